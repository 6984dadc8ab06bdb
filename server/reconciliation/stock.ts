import { sql } from 'kysely';
import type { CarrierNumber } from '../../carriers/carrier.ts';
import type { Db } from '../db/database.ts';
import { storable } from '../numbers/import/staging.ts';
import { defaultCountry, readPhoneNumber } from '../numbers/phone-number.ts';
import { destinationOf } from './adoption/rules.ts';
import type { Run } from './runs.ts';

export type StoredPage = { added: number; unreadable: number };

/** Stores listed numbers with the organization that the rules choose. Numbers that are stored already stay unchanged. */
export async function storeListed(db: Db, run: Run, numbers: CarrierNumber[]): Promise<StoredPage> {
  let unreadable = 0;
  const rows = numbers.map(number => {
    const readable = typeof readPhoneNumber(number.phone_number, defaultCountry) !== 'string';
    if (!readable) unreadable++;
    return {
      phone_number: storable(number.phone_number),
      carrier_number_id: storable(number.id),
      name: number.name && storable(number.name),
      tags: number.tags.map(storable),
      reference: number.reference && storable(number.reference),
      subaccount: number.subaccount && storable(number.subaccount),
      // A number that cannot be parsed cannot be adopted.
      wanted_organization_id: readable ? destinationOf(run.rules, number) : undefined,
    };
  });
  const kept = await sql`
    insert into carrier_stock (tenant_id, run_id, phone_number, carrier_number_id, name, tags, reference, subaccount,
      wanted_organization_id)
    select ${run.tenant_id}, ${run.id}, s.phone_number, s.carrier_number_id, s.name,
      array(select jsonb_array_elements_text(s.tags)), s.reference, s.subaccount, s.wanted_organization_id
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as s(phone_number text, carrier_number_id text, name text,
      tags jsonb, reference text, subaccount text, wanted_organization_id uuid)
    on conflict do nothing`.execute(db);
  return { added: Number(kept.numAffectedRows), unreadable };
}

export async function deleteListed(db: Db, run: Run): Promise<void> {
  await db
    .deleteFrom('carrier_stock')
    .where('tenant_id', '=', run.tenant_id)
    .where('run_id', '=', run.id)
    .execute();
}
