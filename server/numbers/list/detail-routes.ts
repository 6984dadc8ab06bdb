import type { FastifyRequest } from 'fastify';
import type { Static } from '../../../schema/schema.ts';
import type { Db } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import {
  type App,
  checkingTexts,
  operation,
  type Subject,
  sharingItself,
  withBodyOf,
} from '../../http/operation.ts';
import { mapInPieces } from '../../http/pieces/turns.ts';
import { atTurnsEnd } from '../../reading/at-turns-end.ts';
import type { BodyCache } from '../../reading/body-cache.ts';
import { identify } from '../../reading/identify.ts';
import type { LookupResult, Lookups } from '../../reading/lookups.ts';
import { countries, defaultCountry, readPhoneNumber } from '../phone-number.ts';
import { CountryQuery, NumberParams, OneNumber } from '../schemas.ts';
import { LookUpBody, LookUpResultBody } from './detail-schemas.ts';
import { findDetails, readE164 } from './details.ts';

/** The result for a text from which no number can be read. */
const unreadable = (asked: string, reason: string) => ({
  asked,
  phone_number: null,
  code: 'invalid_request',
  error: `phone_number ${reason}`,
});

type NumberRequest = { params: Static<typeof NumberParams>; query: Static<typeof CountryQuery> };

/** The routes that show one number, or up to a thousand, in full. */
export function detailRoutes(app: App, db: Db, lookups: Lookups, bodyCache: BodyCache, brand: string): void {
  const tail = `,"powered_by":${JSON.stringify(brand)}}`;

  app.get(
    '/v1/sms/phone-numbers/:phone_number',
    sharingItself(
      operation(
        'own',
        {
          operationId: 'getNumber',
          summary: 'Get a number',
          description: 'One number of the tenant in full, with its organization and user.',
          tags: ['Phone numbers'],
          params: NumberParams,
          querystring: CountryQuery,
          response: { 200: OneNumber },
        },
        ['number_not_found'],
        aboutNumber,
      ),
    ),
    (request, reply) => {
      const bytes = bytesOf(request.lookup.number, request);
      if (bytes) return void atTurnsEnd(reply, () => send(bytes));
      // The cached version is out of date, or was evicted in the meantime. Ask again, without naming a version.
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
    withBodyOf(
      262_144,
      checkingTexts(
        operation('own', {
          operationId: 'lookUpNumbers',
          summary: 'Look up many numbers',
          description:
            'Up to 1,000 numbers at once, in any usual format, with the organization and the user of each. A text that is not a phone number has its own `error`, and the others are answered all the same. Changes nothing.',
          tags: ['Phone numbers'],
          body: LookUpBody,
          response: { 200: LookUpResultBody },
        }),
      ),
    ),
    async ({ caller, body }, reply) => {
      const asked = await mapInPieces(body.phone_numbers, text => ({
        text,
        number: readPhoneNumber(text, body.default_country),
      }));
      const numbers = asked.flatMap(({ number }) => (typeof number === 'string' ? [] : [number.e164]));
      const found = await findDetails(db, caller, numbers);
      const results = asked.map(({ text, number }) => {
        if (typeof number === 'string') return JSON.stringify(unreadable(text, number));
        return `{"asked":${JSON.stringify(text)},"phone_number":${found.get(number.e164) ?? null}}`;
      });
      const count = numbers.filter(number => found.has(number)).length;
      const rest = JSON.stringify({ count, powered_by: brand });
      reply.type('application/json; charset=utf-8');
      return reply.send(`{"success":true,"results":[${results}],${rest.slice(1)}` as never);
    },
  );

  /** The body for a number that was looked up. Undefined if the look-up brought no JSON and the cache has none. */
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
