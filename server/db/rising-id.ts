import { type RawBuilder, sql } from 'kysely';

/**
 * Ids for many rows of one statement, rising with `place` (from 1, below 2^32), so that every new index entry goes to the
 * end of its index. UUIDv7 with a counter (RFC 9562, section 6.2, method 1): the millisecond, 32 bits of `place`, 40
 * random bits. PostgreSQL has uuidv7() only from 18 on, and we support 15.
 */
export function risingId(place: RawBuilder<unknown>): RawBuilder<string> {
  const moment = Date.now().toString(16).padStart(12, '0');
  const counter = sql`lpad(to_hex(${place}), 8, '0')`;
  const random = sql`right(gen_random_uuid()::text, 10)`;
  return sql`(${`${moment}7`} || left(${counter}, 3) || '8' || right(${counter}, 5) || ${random})::uuid`;
}
