import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';

const description = `
List, assign and move the SMS phone numbers of many organizations, without ever giving one number to two people.

**Authentication.** Every call carries a key in the header \`X-API-Key\`, or a user's token in \`Authorization\`, or both. A key belongs to a tenant. Data of another tenant looks exactly like data that does not exist. A \`read\` key can only read, an \`admin\` key can also change. A bound key sees only one organization.

**Errors** have a text for people (\`error\`, sometimes \`detail\`), a stable \`code\` for programs, and a \`request_id\`, which the server's log has too. If several fields are wrong, \`error\` names them all, and \`fields\` has them one by one.

**Texts** are composed (Unicode NFC) when they come in. In a query a boolean is \`true\`, \`false\`, \`1\` or \`0\`, in any case.

**Moments** are in ISO 8601, in UTC and to the second. **Numbers** are in E.164. Look-ups accept a number in any common notation.

**Revisions.** Every change to an organization, or to anything in it, makes one revision of the organization: 1, 2, 3 and so on without a gap.
`.trim();

/** The OpenAPI document, except for the routes, which describe themselves. */
export function openapi(): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Linekeeper',
        version: '1.0.0',
        description,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: [
        { name: 'Phone numbers', description: 'The numbers of an organization.' },
        { name: 'Organizations', description: 'The owners of numbers.' },
        { name: 'Users', description: 'The people that numbers are assigned to.' },
        { name: 'Events', description: 'The audit log.' },
        { name: 'Usage', description: 'The charges.' },
        { name: 'Keys', description: 'The keys that calls are made with.' },
        { name: 'Carriers', description: 'The carriers that numbers come from.' },
        { name: 'Settings', description: "The tenant's settings for all of its organizations." },
        { name: 'Operations', description: 'For the operators of the server.' },
      ],
      components: {
        securitySchemes: {
          api_key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
          user_token: { type: 'http', scheme: 'bearer' },
        },
      },
      security: [{ api_key: [] }, { user_token: [] }],
    },
  };
}
