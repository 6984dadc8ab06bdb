import type { Caller } from '../../access/caller.ts';
import { openCursor } from '../../db/cursor.ts';
import type { Session } from '../../db/database.ts';

/** Why a row was rejected. */
export type RowProblem = 'invalid' | 'unknown_user' | 'already_exists' | 'duplicate_in_file' | 'value_taken';

export type Rejection = { line: number; phone_number: string; code: RowProblem; error: string };

const rowsPerRead = 1000;

/** The rejected rows in the order of the file: all, or the first `limit`. */
export async function* readRejections(
  session: Session,
  caller: Caller,
  limit: number | null = null,
): AsyncGenerator<Rejection, void> {
  const text = `select c.line, coalesce(c.input, c.phone_number) as input, c.code, c.detail, c.first_line, o.unique_id as organization_id
      from classified c
      left join organizations o on o.tenant_id = $1 and o.id = c.taken_by and ($2::uuid is null or o.id = $2)
      where c.code is not null order by c.line limit $3`;
  const cursor = openCursor<RejectedRow>(session.client, text, [
    caller.tenantId,
    caller.organizationId,
    limit,
  ]);
  for (;;) {
    const rows = await cursor.read(rowsPerRead);
    for (const row of rows)
      yield { line: row.line, phone_number: row.input, code: row.code, error: explanation(row) };
    if (rows.length < rowsPerRead) return;
  }
}

type RejectedRow = {
  line: number;
  input: string;
  code: RowProblem;
  /** The error of an invalid row, the reference to an unknown user, or the field and value that are taken. */
  detail: string | null;
  first_line: number | null;
  /** The organization that has the number; null if the caller may not see it. */
  organization_id: string | null;
};

function explanation(row: RejectedRow): string {
  switch (row.code) {
    case 'invalid':
      return row.detail!;
    case 'unknown_user':
      return `no active user ${row.detail} in this organization`;
    case 'already_exists':
      return row.organization_id
        ? `the number is already in ${row.organization_id}`
        : 'the number already exists';
    case 'duplicate_in_file':
      return `the number is already in line ${row.first_line}`;
    case 'value_taken':
      return row.first_line === null
        ? `${row.detail} is already in use by another number`
        : `${row.detail} is already in line ${row.first_line}`;
  }
}
