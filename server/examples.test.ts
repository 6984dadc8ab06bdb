import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Schema } from './testing/arbitrary.ts';
import { type Operation, operationsOf } from './testing/routes.ts';
import { startTestServer, type TestServer } from './testing/server.ts';

let server: TestServer;
let operations: Operation[];
before(async () => {
  server = await startTestServer();
  for (const unique_id of ['org_abc123', 'org_def456'])
    await server.call('POST', '/v1/organizations', { body: { name: 'Acme', unique_id } });
  const user = { name: 'John Smith', email: 'john.smith@company.com', unique_id: 'user_xyz789' };
  await server.call('POST', '/v1/organizations/org_abc123/users', { body: user });
  operations = operationsOf((await server.call('GET', '/openapi.json', { key: '' })).body);
});
after(() => server.stop());

type Parameter = NonNullable<Operation['parameters']>[number] & {
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
};
type WithExample = Schema & { example?: unknown; examples?: unknown[]; default?: unknown };

/** What a page that tries calls fills in for a parameter; undefined if it leaves the field empty. */
function filledIn({ example, examples, schema }: Parameter): unknown {
  const { example: own, examples: others = [], default: usual } = schema as WithExample;
  return example ?? Object.values(examples ?? {})[0]?.value ?? own ?? others[0] ?? usual;
}

function pathOf({ path, parameters = [] }: Operation): string {
  const query = new URLSearchParams();
  let filled = path;
  for (const parameter of parameters as Parameter[]) {
    const value = filledIn(parameter);
    if (parameter.in === 'path')
      filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(String(value ?? unknownId)));
    else if (parameter.in === 'query' && value !== undefined) query.set(parameter.name, String(value));
  }
  return query.size > 0 ? `${filled}?${query}` : filled;
}

const unknownId = '0199f3a0-0000-7000-8000-000000000000';

test('every call of the API reference can be tried as its examples stand', async t => {
  for (const operation of operations) {
    const { operationId, method, requestBody } = operation;
    const [[type, media] = []] = Object.entries(requestBody?.content ?? {});
    const examples = Object.values(media?.examples ?? {}).map(({ value }) => value);
    if (media?.example !== undefined) examples.push(media.example);
    await t.test(operationId, async () => {
      for (const body of media ? examples : [undefined]) {
        const reply = await server.call(method, pathOf(operation), {
          ...(body !== undefined && { body, headers: { 'content-type': type! } }),
        });
        assert(
          !/^(invalid_request|body_invalid|media_type_unsupported)$/.test(reply.body?.code),
          `${method} ${pathOf(operation)}: ${reply.text}`,
        );
        if (/^list/.test(operationId) && !pathOf(operation).includes(unknownId))
          assert.equal(reply.status, 200, reply.text);
      }
    });
  }
});

test('a parameter that may be left out is not filled in, except with what it is anyway', () => {
  for (const { operationId, parameters = [] } of operations)
    for (const parameter of parameters as Parameter[])
      if (!parameter.required && parameter.in === 'query')
        assert.equal(
          filledIn(parameter),
          (parameter.schema as WithExample).default,
          `${operationId} ${parameter.name}`,
        );
});

test('no pattern of a request is without words', async () => {
  const { ruleOf } = await import('../schema/shapes.ts');
  const { formatRules } = await import('./http/text-formats.ts');
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    const { pattern, format } = value as Schema;
    if (typeof pattern === 'string') assert(ruleOf(pattern), `${path}: ${pattern}`);
    if (typeof format === 'string') assert(formatRules[format], `${path}: ${format}`);
    for (const [name, inner] of Object.entries(value))
      if (!/^examples?$/.test(name)) visit(inner, `${path}.${name}`);
  };
  for (const { operationId, parameters, requestBody } of operations) {
    visit(parameters, operationId);
    visit(requestBody, operationId);
  }
});

test('no error shows a pattern, the name of a format or a word of JSON Schema', async () => {
  const wrong = [
    7.5,
    -1,
    1e9,
    '',
    ' ',
    'x y',
    '💥',
    '🙂'.repeat(400),
    null,
    true,
    {},
    { a: 1 },
    [],
    [7],
    ['x y', 'x y'],
  ];
  const texts = new Set<string>();
  for (const operation of operations) {
    const { method, requestBody } = operation;
    const [path, own = ''] = pathOf(operation).split('?');
    const [media] = Object.values(requestBody?.content ?? {});
    const body = { ...(media?.example as object) };
    const names = Object.keys(media?.schema.properties ?? {});
    const queries = (operation.parameters ?? []).filter(parameter => parameter.in === 'query');
    for (const value of wrong) {
      for (const name of names) {
        const reply = await server.call(method, `${path}?${own}`, { body: { ...body, [name]: value } });
        if (reply.status === 400) texts.add(reply.body.error);
      }
      if (typeof value === 'object') continue;
      for (const { name } of queries) {
        const query = new URLSearchParams(own);
        query.set(name, String(value));
        const reply = await server.call(method, `${path}?${query}`, { ...(media && { body }) });
        if (reply.status === 400) texts.add(reply.body.error);
      }
    }
  }
  assert(texts.size > 100);
  for (const text of texts)
    assert.doesNotMatch(
      text,
      /\^|\$|\[0-9|must match|format "|schema|constant|undefined|keyword|passing|##/i,
      text,
    );
});
