import fc from 'fast-check';
import { type Known, nastyText, spoilt, valid } from './arbitrary.ts';
import { type Content, files } from './inventory.ts';
import type { Operation } from './routes.ts';

/** A request without its method: what is sent byte for byte. */
export type Attempt = { path: string; headers: Record<string, string>; body?: string | Uint8Array };

type Parts = {
  path: string;
  query: string;
  headers: Record<string, string>;
  body: Content | undefined;
  credentials: Record<string, string>;
};

/** What requests are made with: an admin key of everything, a key that only reads, and tokens of two users. */
export type Secrets = { key: string; readKey: string; adminToken: string; userToken: string };

/** Requests to an operation: a third of them right, the others wrong in one part or in all. */
export function attempts(operation: Operation, known: Known, secrets: Secrets): fc.Arbitrary<Attempt> {
  const { method, path, parameters = [], requestBody } = operation;
  const [inPath, inQuery] = (['path', 'query'] as const).map(place => {
    const schemas = parameters.filter(parameter => parameter.in === place);
    const properties = Object.fromEntries(schemas.map(({ name, schema }) => [name, schema]));
    const required = schemas.filter(parameter => parameter.required).map(({ name }) => name);
    return { type: 'object', properties, required };
  });
  const json = requestBody?.content['application/json']?.schema;
  // A number in a body is one to add, and what is there already would only be refused.
  const inBody =
    operation.operationId === 'addNumbers' ? { ...known, phone_number: known.free_number! } : known;
  const jsonBody = (value: unknown): Content => ({
    type: 'application/json',
    content: JSON.stringify(value) ?? '',
  });
  // All filters at once fit nothing.
  const optional = Object.keys(inQuery!.properties).filter(name => !inQuery!.required.includes(name));
  const rightQuery = fc
    .tuple(valid(inQuery!, known), fc.subarray(optional, { maxLength: Math.min(3, optional.length) }))
    .map(([values, chosen]) =>
      toQuery(
        Object.fromEntries(
          Object.entries(values as Known).filter(
            ([name]) => !optional.includes(name) || chosen.includes(name),
          ),
        ),
      ),
    );
  const right: { [part in keyof Parts]: fc.Arbitrary<Parts[part]> } = {
    path: valid(inPath!, known).map(values => fill(path, name => encode((values as Known)[name]))),
    query: rightQuery,
    headers: method === 'GET' ? fc.constant({}) : changeHeaders,
    body: json ? valid(json, inBody).map(jsonBody) : fc.constant(undefined),
    credentials: fc.constant({ 'x-api-key': secrets.key }),
  };
  if (requestBody && !json) right.body = files(known);
  const wrong: typeof right = {
    path: fc
      .array(pathSegment, { minLength: 3, maxLength: 3 })
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
    headers: wrongHeaders,
    // Nothing reads the body of a GET, and most clients cannot send one.
    body:
      method === 'GET'
        ? fc.constant(undefined)
        : fc.oneof(spoilt(json ?? {}, inBody).map(jsonBody), brokenBody, files(known)),
    credentials: otherCredentials(secrets),
  };
  const spoiltInOne = fc
    .constantFrom(...(Object.keys(right) as (keyof Parts)[]))
    .chain(part => fc.record({ ...right, [part]: wrong[part] } as typeof right));
  return fc
    .oneof(fc.record(right), spoiltInOne, fc.record(wrong))
    .map(({ path, query, headers, body, credentials }) => ({
      path: query ? `${path}?${query}` : path,
      headers: {
        ...headers,
        ...(body?.type && { 'content-type': body.type }),
        ...credentials,
      },
      ...(body && { body: body.content }),
    }));
}

const changeHeaders: fc.Arbitrary<Parts['headers']> = fc.record(
  {
    'idempotency-key': fc.oneof(
      { weight: 4, arbitrary: fc.stringMatching(/^[\x21-\x7e]{1,255}$/) },
      fc.constantFrom('again', '"once more"'),
    ),
    'if-match': fc.oneof(
      { weight: 4, arbitrary: fc.constant('*') },
      fc.constantFrom('0', '5', '"7-Ab_-9xyz"', 'W/"8"'),
    ),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Parts['headers']>;

const wrongHeaders: fc.Arbitrary<Parts['headers']> = fc.oneof(
  fc.constantFrom<Parts['headers'][]>(
    { 'if-none-match': '*' },
    { 'if-none-match': ',"",W/' },
    { 'x-request-id': 'x y' },
  ),
  fc.constantFrom('', ' ', 'a b', 'a\tb', 'ÿ', 'x'.repeat(256)).map(key => ({ 'idempotency-key': key })),
  fc
    .constantFrom(
      '',
      'x',
      '"',
      '""',
      'W/',
      '-1',
      '1.5',
      '"1-',
      '*, *',
      '1, 2',
      'ÿ',
      '9'.repeat(15),
      '9'.repeat(101),
    )
    .map(tag => ({ 'if-match': tag })),
);

/** Credentials that are not enough, or of no use; some of them are enough for some operations. */
function otherCredentials({ key, readKey, adminToken, userToken }: Secrets) {
  const keys = ['', key, readKey, 'lk_live_x', 'ÿ'];
  const authorizations = [
    '',
    ...['Bearer', 'Bearer ', 'Bearer x', 'Basic eDp5', 'ÿ', 'Bearer ÿ', `Bearer ${'x'.repeat(2000)}`],
    ...[adminToken, userToken].flatMap(token => [
      `Bearer ${token}`,
      `bearer   ${token}`,
      `Basic ${token}`,
      `Bearer ${token} ${token}`,
      `Bearer ${token},`,
    ]),
    `Bearer ${key}`,
  ];
  return fc.oneof(
    fc.constantFrom({}, ...keys.filter(one => one !== key).map(one => ({ 'x-api-key': one }))),
    fc.constantFrom(...authorizations).map(authorization => ({ authorization })),
    fc
      .tuple(fc.constantFrom(...keys), fc.constantFrom(...authorizations))
      .map(([one, authorization]) => ({ 'x-api-key': one, authorization })),
  ) as fc.Arbitrary<Record<string, string>>;
}

const fill = (path: string, value: (name: string) => string): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name) => value(name));

const encode = (value: unknown): string => {
  // Not every object can be made text of: `{toString: null}` cannot.
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return encodeURIComponent(text.toWellFormed()) || '%20';
};

const toQuery = (values: unknown): string =>
  Object.entries(Object(values))
    // More would be refused for its length before anybody looks at it.
    .slice(0, 30)
    .flatMap(([name, value]) =>
      (Array.isArray(value) ? value.slice(0, 5) : [value]).map(one => `${encode(name)}=${encode(one)}`),
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
