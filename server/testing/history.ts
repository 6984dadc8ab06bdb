import { sql } from 'kysely';
import { emptyReplay, replay } from '../check/replay.ts';
import type { Db } from '../db/database.ts';

/** What the log alone says that the API must show of a number. */
export type Shown = {
  id: string;
  phone_number: string;
  nickname: string | null;
  is_available: boolean;
  assigned_to: { user_id: string; email: string; name: string } | null;
  organization_id: string;
};

/** An organization at each of its revisions, its numbers in the order of the list; by the revision. */
export type History = { states: Shown[][]; requests: Map<string, number> };

export async function readHistory(db: Db, tenantId: string, organization: string): Promise<History> {
  type Event = { revision: number; request_id: string; type: string; data: Record<string, unknown> };
  const { rows } = await sql<Event>`
    select e.revision, e.request_id, e.type, e.data from events e
    join organizations o on o.tenant_id = e.tenant_id and o.id = e.organization_id
    where o.tenant_id = ${tenantId} and o.unique_id = ${organization}
    order by e.revision, e.ordinal`.execute(db);
  const state = emptyReplay();
  const states: Shown[][] = [[]];
  const requests = new Map<string, number>();
  for (const [index, { revision, request_id, type, data }] of rows.entries()) {
    replay(state, type, data, revision);
    requests.set(request_id, revision);
    if (rows[index + 1]?.revision !== revision) states[revision] = show(state, organization);
  }
  return { states, requests };
}

function show({ users, numbers }: ReturnType<typeof emptyReplay>, organization_id: string): Shown[] {
  const byUniqueId = new Map([...users.values()].map(user => [user.unique_id, user]));
  const shown: Shown[] = [];
  for (const [id, { status, phone_number, nickname, user_id }] of numbers) {
    if (status === 'released') continue;
    const user = user_id === null ? undefined : byUniqueId.get(user_id)!;
    shown.push({
      id,
      phone_number: phone_number as string,
      nickname: nickname as string | null,
      is_available: status === 'available',
      assigned_to: user
        ? { user_id: user.unique_id as string, email: user.email as string, name: user.name as string }
        : null,
      organization_id,
    });
  }
  return shown.sort((one, other) => (one.phone_number < other.phone_number ? -1 : 1));
}
