/**
 * Every error of the API, with its status and text. Programs rely on the code, which never changes. The text is for
 * people. Texts of the API family's contract are kept to the letter.
 */
export const problems = {
  invalid_request: [400, 'Invalid request'],
  body_invalid: [400, 'The body is not valid JSON'],
  email_taken: [400, 'A user with this email already exists in this organization'],
  number_to_assign_not_found: [400, 'Phone number not found'],
  number_assigned: [400, 'Phone number already assigned to a user'],
  number_not_assigned: [400, 'Phone number is not assigned to a user'],
  number_not_available: [400, 'Phone number is not available'],
  number_not_cooling_down: [400, 'Phone number is not cooling down'],
  number_not_releasing: [400, 'Phone number has no release that can be undone'],
  already_there: [400, 'The number is already in that organization'],
  number_locked: [409, 'Phone number is locked against release'],
  reservation_not_found: [404, 'Reservation not found'],
  none_available: [409, 'No available number fits'],
  log_restarted: [409, 'The log does not go on from that revision'],
  revision_mismatch: [412, 'The organization has changed'],
  idempotency_mismatch: [422, 'This Idempotency-Key was used with another request'],
  idempotency_running: [409, 'A request with this Idempotency-Key is still running'],
  assignee_not_found: [400, 'User not found'],
  api_key_required: [401, 'API key is required'],
  api_key_invalid: [401, 'Invalid API key'],
  user_not_active: [400, 'User is not active'],
  token_invalid: [401, 'Invalid token'],
  admin_required: [403, 'Admin permission required'],
  organization_not_active: [403, 'Organization is not active'],
  key_bound: [403, 'This key is bound to one organization'],
  route_not_found: [404, 'Not found'],
  organization_not_found: [404, 'Organization not found'],
  user_not_found: [404, 'User not found'],
  number_not_found: [404, 'Phone number not found'],
  batch_not_found: [404, 'Batch not found'],
  token_not_found: [404, 'Token not found'],
  key_not_found: [404, 'API key not found'],
  organization_id_taken: [409, 'An organization with this unique_id already exists'],
  user_id_taken: [409, 'A user with this unique_id already exists in this organization'],
  number_taken: [409, 'Phone number already exists'],
  value_taken: [409, 'Another number of the tenant already has this value'],
  body_too_large: [413, 'The body is too large'],
  media_type_unsupported: [415, 'This content type is not supported here'],
  bulk_rejected: [422, 'Items were rejected, so nothing was changed'],
  import_rejected: [422, 'Rows were rejected, so nothing was imported'],
  carrier_account_not_found: [404, 'Carrier account not found'],
  carrier_account_taken: [409, 'A carrier account with this name already exists'],
  carrier_account_used: [409, 'The carrier account is in use'],
  carrier_account_disabled: [400, 'The carrier account is disabled'],
  carrier_account_missing: [400, 'No carrier account is set for buying numbers'],
  carrier_rejected: [400, 'The carrier does not accept these credentials'],
  carrier_incapable: [400, 'The carrier cannot do this'],
  carrier_failed: [502, 'The carrier could not do this'],
  secret_key_missing: [
    503,
    'LINEKEEPER_SECRET_KEY is not set, or is not the key that sealed these credentials',
  ],
  purchases_not_enabled: [400, 'Multi-SMS numbers not enabled for this tenant. Contact support to enable.'],
  number_limit_reached: [400, 'Organization has reached its limit of SMS numbers'],
  sms_not_active: [400, 'Organization SMS not active (10DLC approval required)'],
  none_for_sale: [400, 'No numbers available'],
  spending_cap_reached: [400, "The organization's spending cap for this month is reached"],
  order_not_found: [404, 'Order not found'],
  order_under_way: [409, 'It is too late to cancel: the carrier is being asked for a number'],
  order_finished: [409, 'The order is finished'],
  number_leaving: [409, 'Phone number is being released at the carrier'],
  number_not_pending: [400, 'Phone number is not pending'],
  run_not_found: [404, 'Run not found'],
  run_running: [409, 'A run of this account is already in progress'],
  drift_not_found: [404, 'Difference not found'],
  drift_resolved: [409, 'The difference is already resolved'],
  key_shares_limits: [409, 'This key counts towards the limits of another key'],
  tenant_limit_reached: [409, 'The tenant has reached its limit of numbers'],
  limit_exceeded: [429, 'A limit is exceeded'],
  too_many_wrong_keys: [429, 'Too many wrong keys and tokens are waiting for their answer'],
  too_many_imports: [429, 'Too many imports are running'],
  too_many_requests: [429, 'Too many requests at once'],
  internal_error: [500, 'Internal server error'],
  unavailable: [503, 'The database is not reachable'],
  disk_full: [503, "The database's disk is full: nothing can be changed until there is room"],
} as const satisfies Record<string, readonly [status: number, text: string]>;

export type ProblemCode = keyof typeof problems;

/** An error that the client is told of. The only such class; http/error-replies.ts turns it into a reply. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly detail: string | undefined;
  /** More fields for the body of the reply, if the route declares them. */
  readonly more: object;

  /** @param text replaces the text above with a more precise one, for example with the field's name */
  constructor(code: ProblemCode, text?: string, detail?: string, more: object = {}) {
    super(text ?? problems[code][1]);
    this.code = code;
    this.status = problems[code][0];
    this.detail = detail;
    this.more = more;
  }
}

/** @param text names the field and the rule */
export const invalid = (text: string): Problem => new Problem('invalid_request', text);

/** A field of a request that is wrong, and the sentence about it. */
export type WrongField = { field: string; error: string };

export const namedMax = 20;

/** An error that names every wrong field: `error` in one sentence, and `fields` one by one if there are several. */
export function invalidFields(wrong: WrongField[]): Problem {
  if (wrong.length === 1) return invalid(wrong[0]!.error);
  const fields = wrong.slice(0, namedMax);
  const more = wrong.length > namedMax ? [`and ${wrong.length - namedMax} more`] : [];
  const text = [...fields.map(({ error }) => error), ...more].join('; ');
  return new Problem('invalid_request', text, undefined, { fields });
}

/** The Problem that a violated constraint means to the client, by the constraint's name. */
export type ConstraintProblems = Record<string, (detail: string) => Problem>;

/**
 * Runs `work`. If it violates one of the constraints, throws the Problem of that constraint: so the constraint is the
 * validation. Each feature maps the constraints of its own tables. The detail is PostgreSQL's, and names the row:
 * `Key (tenant_id, phone_number)=(…, +14155551234) already exists.`
 */
export async function translateViolations<T>(
  constraintProblems: ConstraintProblems,
  work: Promise<T>,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { constraint, detail } = error as { constraint?: string; detail?: string };
    const problemOf = constraintProblems[constraint ?? ''];
    throw problemOf ? problemOf(detail ?? '') : error;
  }
}

/** Whether the database is unreachable or shutting down. False if it refused a statement. */
export function isUnavailable(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  // Class 08 and 57P0x, https://www.postgresql.org/docs/current/errcodes-appendix.html; 53300 is "too many
  // connections", 25006 "read-only": the primary has become a standby.
  if (
    code !== undefined &&
    /^(08...|57P0[1-5]|25006|53300|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|EMFILE|ENFILE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH)$/.test(
      code,
    )
  )
    return true;
  // Errors of node-postgres itself have no code.
  return /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|Connection ended)/.test(
    message ?? '',
  );
}

/** Whether the database has no room on its disk. It still reads. */
export const isDiskFull = (error: unknown): boolean => (error as { code?: string }).code === '53100';

/** Whether the database has ended a statement that waited or took too long, or that others stood in the way of. */
export function hasGivenUp(error: unknown): boolean {
  // 57014 statement_timeout, 55P03 lock_timeout, 40001 and 40P01 conflicts that outlast all attempts, 53... no room.
  return /^(57014|55P03|40001|40P01|53...|25P03)$/.test(`${(error as { code?: string }).code}`);
}
