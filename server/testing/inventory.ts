import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { keptNumber } from '../../phone-numbers/testing/writings.ts';
import { anything, type Known, nastyText } from './arbitrary.ts';

const nanp = fc.stringMatching(/^\+1[2-9][0-9][02-9][2-9][0-9][02-9][0-9]{4}$/);

/** A number of any country in E.164, as it is kept. */
export const e164: fc.Arbitrary<string> = fc.oneof(nanp, keptNumber);

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }),
  fc.constantFrom(
    'Zoë "Zo" O\'Neill',
    'two\nlines',
    '\ttab',
    '{"a":1}',
    '\\',
    '電話',
    '👩🏽‍🚀',
    ' ',
    '%s',
    '\u2028',
    '$1',
  ),
);

/** As it is kept: composed, which makes some texts longer. */
const personText = anyText.map(text => text.normalize()).filter(text => text.length <= 200);

/** An organization's users and numbers, as they are given to the API. */
export const inventory = fc
  .uniqueArray(
    fc.record({
      unique_id: fc.stringMatching(/^[A-Za-z0-9_.:-]{1,128}$/),
      name: personText,
      email: fc.stringMatching(/^[a-zA-Z0-9]{1,20}@[a-z]{1,10}\.example$/),
    }),
    { maxLength: 4, selector: user => user.unique_id },
  )
  // Two writings of one address are one address.
  .filter(users => new Set(users.map(user => user.email.toLowerCase())).size === users.length)
  .chain(users => {
    const ids = users.map(user => user.unique_id);
    const number = fc.record(
      {
        phone_number: e164,
        nickname: fc.option(personText),
        user_id: ids.length > 0 ? fc.option(fc.constantFrom(...ids)) : fc.constant(null),
      },
      { requiredKeys: ['phone_number'] },
    );
    const numbers = fc.uniqueArray(number, {
      minLength: 1,
      maxLength: 15,
      selector: ({ phone_number }) => phone_number,
    });
    return fc.record({ users: fc.constant(users), numbers });
  });

export type Content = { type: string; content: string | Uint8Array };

/** Files of numbers, whole and broken. */
export function files(known: Known): fc.Arbitrary<Content> {
  const row = fc.record({
    phone_number: fc.oneof(
      fc.constantFrom(...known.phone_number!),
      fc.stringMatching(/^\+1[2-9]{2}0[2-9]{3}[0-9]{4}$/),
      nastyText,
    ),
    nickname: fc.oneof(fc.constant(''), fc.string({ unit: 'grapheme', maxLength: 250 }), nastyText),
    user: fc.oneof(fc.constant(''), fc.constantFrom(...known.user_id!), nastyText),
  });
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const header = fc.oneof(
    { weight: 4, arbitrary: fc.constant('phone_number,nickname,user') },
    fc.constantFrom(
      '\ufeffphone_number,nickname,user',
      'phone_number',
      'phone_number;nickname;user',
      'phone_number,,',
      'organization,number,user_email',
      'number,status,until,tags,metadata,metadata.x,external_id',
      'sep=;\nTN;Friendly Name;Assigned To',
      'phone_number,line,field,reason,user_name',
      '',
      'a,b,c',
    ),
  );
  const csv = fc
    .tuple(header, fc.array(row, { maxLength: 8 }), fc.constantFrom('\n', '\r\n'), fc.boolean())
    .map(([names, rows, end, quotes]) => {
      const lines = rows.map(one =>
        Object.values(one)
          .map(text => (quotes ? quoted(text) : text))
          .join(','),
      );
      return [names, ...lines].join(end);
    });
  const line = fc.oneof(
    { weight: 3, arbitrary: row.map(one => JSON.stringify(one)) },
    anything.map(value => JSON.stringify(value)),
    nastyText,
  );
  const ndjson = fc.array(line, { maxLength: 8 }).map(lines => lines.join('\n'));
  const garbage = fc.uint8Array({ maxLength: 300 });
  return fc.oneof(
    fc.record({
      type: fc.constantFrom(
        ...['text/csv', 'text/csv; charset=utf-8', 'text/plain', 'application/vnd.ms-excel'],
        ...['text/csv; charset=windows-1252', 'text/csv; charset=utf-16', 'text/csv; charset=', 'text/csv;;'],
      ),
      content: fc.oneof(
        { weight: 4, arbitrary: csv },
        csv.map(text => Buffer.from(`\ufeff${text}`, 'utf16le')),
        csv.map(text => gzipSync(text)),
        garbage,
        garbage.map(bytes => Buffer.from([0x1f, 0x8b, ...bytes])),
      ),
    }),
    fc.record({
      type: fc.constant('application/x-ndjson'),
      content: fc.oneof({ weight: 4, arbitrary: ndjson }, garbage),
    }),
  );
}
