import assert from 'node:assert/strict';
import type { Marked } from './readers.ts';
import type { TestServer } from './server.ts';

const numbersPath = '/v1/sms/phone-numbers';
export const users = ['ann', 'bob'];

type Writing = {
  servers: TestServer[];
  tenant: Marked;
  /** The organizations that numbers come into and move between. */
  places: string[];
  numbers: string[];
  /** Whether a reply may also be that the database is away. */
  mayFail: boolean;
  /** Asked before each change, with the number of those before it. */
  goesOn(rounds: number): boolean;
  /** Reads an organization: before and after each change, so that what is kept is out of date at once. */
  look(organization: string): Promise<void>;
  /** Told of each change that was possible. */
  made(kind: string): void;
};

/**
 * Changes the organizations of a tenant, through all servers in turn: every kind of change that a list or a number
 * shows. Not every one is possible in the state that it meets.
 */
export async function write({
  servers,
  tenant,
  places,
  numbers,
  mayFail,
  goesOn,
  look,
  made,
}: Writing): Promise<void> {
  const { key, marker } = tenant;
  let serial = 0;
  let assigned = '';
  const pick = <T>(list: T[]): T => list[Math.floor(Math.random() * list.length)]!;

  const kinds: Record<string, (server: TestServer) => Promise<{ status: number; text: string }>> = {
    assign: server => {
      assigned = one();
      return server.call('POST', `${assigned}/assign`, { key, body: { user_id: pick(users) } });
    },
    unassign: server => server.call('DELETE', `${assigned}/assign`, { key }),
    edit: server => server.call('PATCH', one(), { key, body: { nickname: text() } }),
    rename: server =>
      server.call('PATCH', `/v1/organizations/${pick(tenant.organizations)}/users/${pick(users)}`, {
        key,
        body: { name: text() },
      }),
    add: server => {
      const phone_numbers = [{ phone_number: pick(numbers), nickname: text() }];
      return server.call('POST', numbersPath, {
        key,
        body: { organization_id: pick(places), phone_numbers },
      });
    },
    transfer: server => {
      const body = { to_organization_id: pick(places), end_assignment: true };
      return server.call('POST', `${one()}/transfer`, { key, body });
    },
    release: server => server.call('DELETE', one(), { key }),
  };
  const order = [
    'assign',
    'edit',
    'rename',
    'add',
    'assign',
    'unassign',
    'transfer',
    'add',
    'edit',
    'release',
  ];

  function one(): string {
    return `${numbersPath}/${encodeURIComponent(pick(numbers))}`;
  }
  function text(): string {
    return `${marker} ${serial++} "\\é\u2028`;
  }

  for (let round = 0; goesOn(round); round++) {
    const kind = order[round % order.length]!;
    const place = pick(places);
    await look(place);
    const reply = await kinds[kind]!(servers[Math.floor(Math.random() * servers.length)]!);
    if (reply.status < 300) made(kind);
    else assert(reply.status < 500 || (mayFail && reply.status === 503), `${kind}: ${reply.text}`);
    await look(place);
  }
}
