import { setTimeout as sleep } from 'node:timers/promises';
import { newCarrierAccount } from '../testing/carrier-numbers.ts';
import type { TestServer } from '../testing/server.ts';

export async function tenantOf(server: TestServer, key = server.key): Promise<string> {
  return (await server.call('GET', '/v1/tenant', { key })).body.tenant.id;
}

type NewAccount = { key?: string; carrier?: string; credentials?: Record<string, string> };

/** @returns the id of a new carrier account of the key's tenant */
export async function newAccount(
  server: TestServer,
  { key = server.key, carrier = 'sandbox', credentials }: NewAccount = {},
): Promise<string> {
  const caller = { tenantId: await tenantOf(server, key) };
  return newCarrierAccount(server.database.db, caller, carrier, credentials);
}

// biome-ignore lint/suspicious/noExplicitAny: tests read fields of the body without a type
export type RunBody = any;

/** Starts a run and waits until it has ended. */
export async function reconcile(
  server: TestServer,
  account: string,
  type: string,
  body?: object,
  key = server.key,
): Promise<RunBody> {
  const path = `/v1/carrier-accounts/${account}/${type}`;
  const reply = await server.call('POST', path, { key, ...(body && { body }) });
  if (reply.status !== 202) throw new Error(`POST ${path}: ${reply.text}`);
  return ended(server, reply.body.run.id, key);
}

export async function ended(server: TestServer, run: string, key = server.key): Promise<RunBody> {
  for (;;) {
    const { body } = await server.call('GET', `/v1/carrier-runs/${run}`, { key });
    if (body.run.finished_at !== null) return body.run;
    await sleep(20);
  }
}

/** The drift of a run: sorted numbers by pile. */
export async function pilesOf(server: TestServer, run: string): Promise<Record<string, string[]>> {
  const { body } = await server.call('GET', `/v1/carrier-runs/${run}/drift?limit=1000`);
  const piles: Record<string, string[]> = { not_here: [], not_there: [], different: [] };
  for (const { pile, phone_number } of body.drift) piles[pile]!.push(phone_number);
  return piles;
}
