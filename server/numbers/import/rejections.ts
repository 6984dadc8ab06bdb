import type { Caller } from '../../access/caller.ts';
import { openCursor } from '../../db/cursor.ts';
import type { Session } from '../../db/database.ts';
import { uniqueNames } from '../state.ts';
import { cellsOf } from './file/csv.ts';

/** Why a row was rejected. */
export const rowProblems = [
  'invalid',
  'unknown_organization',
  'organization_not_active',
  'unknown_user',
  'already_exists',
  'duplicate_in_file',
  'value_taken',
  'not_changeable',
] as const;
export type RowProblem = (typeof rowProblems)[number];

export type Rejection = {
  line: number;
  phone_number: string;
  code: RowProblem;
  field: string | null;
  error: string;
  row: string[] | Record<string, unknown> | string;
};

const rowsPerRead = 1000;

/**
 * The rejected rows in the order of the file: all, or the first `limit`.
 * @param separator that of a CSV file; null for NDJSON
 */
export async function* readRejections(
  session: Session,
  caller: Caller,
  separator: string | null,
  limit: number | null = null,
): AsyncGenerator<Rejection, void> {
  const text = `select c.line, coalesce(c.input, c.phone_number) as input, c.code, c.detail, c.first_line,
        s.error_field, s.source, o.unique_id as organization_id
      from (select * from classified where code is not null order by line limit $3) c
      join staged s on s.line = c.line
      left join organizations o on o.tenant_id = $1 and o.id = c.taken_by and ($2::uuid is null or o.id = $2)
      order by c.line`;
  const cursor = openCursor<RejectedRow>(session.client, text, [
    caller.tenantId,
    caller.organizationId,
    limit,
  ]);
  for (;;) {
    const rows = await cursor.read(rowsPerRead);
    for (const row of rows)
      yield {
        line: row.line,
        phone_number: row.input,
        code: row.code,
        field: fieldOf(row),
        error: explanation(row),
        row: separator === null ? objectOf(row.source) : cellsOf(row.source, separator),
      };
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
  error_field: string | null;
  source: string;
  /** The organization that has the number; null if the caller may not see it. */
  organization_id: string | null;
};

function explanation(row: RejectedRow): string {
  switch (row.code) {
    case 'invalid':
    case 'unknown_organization':
    case 'organization_not_active':
    case 'not_changeable':
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

function fieldOf({ code, error_field, detail }: RejectedRow): string | null {
  switch (code) {
    case 'invalid':
      return error_field;
    case 'unknown_organization':
    case 'organization_not_active':
      return 'organization';
    case 'unknown_user':
      return 'user';
    case 'already_exists':
    case 'duplicate_in_file':
      return 'phone_number';
    case 'value_taken':
      return uniqueNames.find(name => detail?.startsWith(`${name} `)) ?? null;
    case 'not_changeable':
      return null;
  }
}

/** @returns the object of a line, or the line if it is none */
function objectOf(source: string): Record<string, unknown> | string {
  try {
    const value: unknown = JSON.parse(source);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {}
  return source;
}
