import { type ListOptions, listStatement } from '../server/numbers/list-statement.ts';

/** The statement that the server makes a list with, for a loop that does nothing else. All that knows it is here. */
export function listQuery(
  tenantId: string,
  organization_id: string,
): { name?: string; text: string; values: unknown[] } {
  const who = {
    tenantId,
    organizationId: null,
    permission: 'admin' as const,
    actor: { type: 'key' as const, id: 'bench' },
    requestId: null,
  };
  const options: ListOptions = {
    organization_id,
    include_assigned: true,
    sort: 'phone_number',
    view: 'list',
    total: false,
  };
  const [text, values] = listStatement(who, options, undefined, undefined);
  return { text, values };
}
