import type { FastifyRequest } from 'fastify';
import type { Static } from '../../../schema/schema.ts';
import type { Db } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { type App, operation, type Subject } from '../../http/operation.ts';
import { atTurnsEnd } from '../../reading/at-turns-end.ts';
import type { BodyCache } from '../../reading/body-cache.ts';
import { identify } from '../../reading/identify.ts';
import type { LookupResult, Lookups } from '../../reading/lookups.ts';
import { countries, defaultCountry, readPhoneNumber } from '../phone-number.ts';
import { CountryQuery, NumberParams, OneNumber } from '../schemas.ts';
import { findDetails, readE164 } from './details.ts';
import { LookedUp, LookUpBody } from './schemas.ts';

type NumberRequest = { params: Static<typeof NumberParams>; query: Static<typeof CountryQuery> };

/** The routes that show one number in full, or up to a thousand. */
export function detailRoutes(app: App, db: Db, lookups: Lookups, bodyCache: BodyCache, brand: string): void {
  const tail = `,"powered_by":${JSON.stringify(brand)}}`;

  app.get(
    '/v1/sms/phone-numbers/:phone_number',
    operation(
      'own',
      {
        operationId: 'getNumber',
        summary: 'Get a number',
        description: 'One number of the tenant, in full: which organization and which user has it.',
        tags: ['Phone numbers'],
        params: NumberParams,
        querystring: CountryQuery,
        response: { 200: OneNumber },
      },
      ['number_not_found'],
      aboutNumber,
    ),
    (request, reply) => {
      const bytes = bytesOf(request.lookup.number, request);
      if (bytes) return void atTurnsEnd(() => send(bytes));
      // The version that was at hand is not the right one, or has gone by now: once more, and this time without it.
      const { number } = aboutNumber(request);
      return identify(lookups, request, { number }).then(({ lookup }) =>
        send(bytesOf(lookup.number, request)!),
      );

      function send(bytes: Buffer): never {
        return reply.type('application/json; charset=utf-8').send(bytes as never) as never;
      }
    },
  );

  app.post(
    '/v1/sms/phone-numbers/lookup',
    operation('own', {
      operationId: 'lookUpNumbers',
      summary: 'Look up many numbers',
      description:
        'Up to 1,000 numbers at once, in any usual way of writing them: which organization and which user has each. It changes nothing.',
      tags: ['Phone numbers'],
      body: LookUpBody,
      response: { 200: LookedUp },
    }),
    async ({ caller, body }, reply) => {
      const numbers = body.phone_numbers.map((text, index) =>
        readE164(text, body.default_country, `phone_numbers[${index}]`),
      );
      const found = await findDetails(db, caller, numbers);
      const results = body.phone_numbers.map(
        (asked, index) =>
          `{"asked":${JSON.stringify(asked)},"phone_number":${found.get(numbers[index]!) ?? null}}`,
      );
      const rest = JSON.stringify({
        count: numbers.filter(number => found.has(number)).length,
        powered_by: brand,
      });
      reply.type('application/json; charset=utf-8');
      return reply.send(`{"success":true,"results":[${results}],${rest.slice(1)}` as never);
    },
  );

  /** The detail of a number that was looked up; undefined if it did not come along and is not at hand. */
  function bytesOf(number: LookupResult['number'], { params, query }: NumberRequest): Buffer | undefined {
    if (!number) {
      readE164(params.phone_number, query.default_country);
      throw new Problem('number_not_found');
    }
    const { e164, version, json } = number;
    if (json === undefined) return bodyCache.get(e164, version)?.bytes;
    const bytes = Buffer.from(`{"success":true,"phone_number":${json}${tail}`);
    bodyCache.set(e164, { version, bytes });
    return bytes;
  }

  function aboutNumber({ params, query }: FastifyRequest): Subject {
    const { phone_number } = params as { phone_number: string };
    const { default_country = defaultCountry } = query as { default_country?: string };
    const read = countries.has(default_country) ? readPhoneNumber(phone_number, default_country) : '';
    if (typeof read === 'string') return {};
    return { number: read.e164, known: bodyCache.cachedVersion(read.e164) };
  }
}
