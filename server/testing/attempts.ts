import fc from 'fast-check';
import { anything, type Known, nastyText, spoilt, valid } from './arbitrary.ts';
import type { Operation } from './routes.ts';

/** A request without its method: what is sent byte for byte. */
export type Attempt = { path: string; headers: Record<string, string>; body?: string | Uint8Array };

type Content = { type: string; content: string | Uint8Array };
type Parts = {
  path: string;
  query: string;
  headers: Record<string, string>;
  body: Content | undefined;
  key: string;
};

/** Requests to an operation: a third of them right, the others wrong in one part or in all. */
export function attempts(
  operation: Operation,
  known: Known,
  keys: { good: string; others: string[] },
): fc.Arbitrary<Attempt> {
  const { method, path, parameters = [], requestBody } = operation;
  const [inPath, inQuery] = (['path', 'query'] as const).map(place => {
    const schemas = parameters.filter(parameter => parameter.in === place);
    const properties = Object.fromEntries(schemas.map(({ name, schema }) => [name, schema]));
    const required = schemas.filter(parameter => parameter.required).map(({ name }) => name);
    return { type: 'object', properties, required };
  });
  const json = requestBody?.content['application/json']?.schema;
  // A number in a body is one to add, and what is there already would only be refused.
  const toAdd = { ...known, phone_number: known.free_number! };
  const jsonBody = (value: unknown): Content => ({
    type: 'application/json',
    content: JSON.stringify(value) ?? '',
  });
  const right: { [part in keyof Parts]: fc.Arbitrary<Parts[part]> } = {
    path: valid(inPath!, known).map(values => fill(path, name => encode((values as Known)[name]))),
    query: valid(inQuery!, known).map(toQuery),
    headers: fc.constant({}),
    body: json ? valid(json, toAdd).map(jsonBody) : fc.constant(undefined),
    key: fc.constant(keys.good),
  };
  if (requestBody && !json) right.body = files(known);
  const wrong: typeof right = {
    path: fc
      .array(pathSegment, { minLength: 2, maxLength: 2 })
      .map(segments => fill(path, () => segments.pop()!)),
    query: fc.oneof(
      spoilt(inQuery!, known).map(toQuery),
      fc
        .tuple(
          right.query,
          fc.constantFrom('%', '%ff=%ff', '%00', '=', 'limit=1&limit=2', '__proto__=1', 'limit[]=1'),
        )
        .map(([query, more]) => `${query}&${more}`),
    ),
    headers: fc.constantFrom<Parts['headers'][]>(
      { 'if-none-match': '*' },
      { 'if-none-match': ',"",W/' },
      { 'x-request-id': 'x y' },
      { authorization: 'Bearer x' },
    ),
    // Nothing reads the body of a GET, and most clients cannot send one.
    body:
      method === 'GET'
        ? fc.constant(undefined)
        : fc.oneof(spoilt(json ?? {}, known).map(jsonBody), brokenBody, files(known)),
    key: fc.constantFrom('', ...keys.others),
  };
  const spoiltInOne = fc
    .constantFrom(...(Object.keys(right) as (keyof Parts)[]))
    .chain(part => fc.record({ ...right, [part]: wrong[part] } as typeof right));
  return fc
    .oneof(fc.record(right), spoiltInOne, fc.record(wrong))
    .map(({ path, query, headers, body, key }) => ({
      path: query ? `${path}?${query}` : path,
      headers: {
        ...headers,
        ...(body?.type && { 'content-type': body.type }),
        ...(key && { 'x-api-key': key }),
      },
      ...(body && { body: body.content }),
    }));
}

const fill = (path: string, value: (name: string) => string): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name) => value(name));

const encode = (value: unknown): string => encodeURIComponent(String(value).toWellFormed()) || '%20';

const toQuery = (values: unknown): string =>
  Object.entries(Object(values))
    .flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map(one => `${encode(name)}=${encode(one)}`),
    )
    .join('&');

const pathSegment: fc.Arbitrary<string> = fc.oneof(
  nastyText.map(encode),
  fc.constantFrom(
    '%',
    '%zz',
    '%ff',
    '%00',
    '%ED%A0%80',
    '%2e%2e%2fkeys',
    '+',
    '%2B',
    '*',
    ':id',
    'x'.repeat(400),
    'x'.repeat(401),
  ),
);

const brokenBody: fc.Arbitrary<Content> = fc.record({
  type: fc.constantFrom(
    'application/json',
    'application/json; charset=utf-8',
    'text/plain',
    'text/csv',
    'application/xml',
    'nonsense',
    '',
  ),
  content: fc.oneof(
    nastyText,
    fc.uint8Array({ maxLength: 200 }),
    fc.constantFrom(
      '{',
      '{"a":1',
      '{"name":"x","name":"y"}',
      '{"__proto__":{"a":1}}',
      '{"constructor":{"prototype":{}}}',
    ),
    fc.constantFrom(
      '['.repeat(500),
      '{"name":1e400}',
      '{"name":"\\ud800"}',
      '{"name":"\\u0000"}',
      '\ufeff{}',
      'null',
    ),
  ),
});

/** Files of numbers, whole and broken. */
function files(known: Known): fc.Arbitrary<Content> {
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
      type: fc.constantFrom('text/csv', 'text/csv; charset=utf-8'),
      content: fc.oneof({ weight: 4, arbitrary: csv }, garbage),
    }),
    fc.record({
      type: fc.constant('application/x-ndjson'),
      content: fc.oneof({ weight: 4, arbitrary: ndjson }, garbage),
    }),
  );
}
