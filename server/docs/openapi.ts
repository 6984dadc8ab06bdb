import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';

const description = `
List, assign and move the SMS phone numbers of many organizations, without ever giving one number to two people.

**Authentication.** Every call carries a key in the header \`X-API-Key\`, or a user's token in \`Authorization\` (alone or beside a key). A key belongs to a tenant; what belongs to another tenant answers exactly like something that does not exist. A \`read\` key sees, an \`admin\` key also changes; a key may be bound to one organization.

**Errors** have a text for people (\`error\`, sometimes \`detail\`), a stable \`code\` for programs, and the \`request_id\` that the server's log has too.

**Moments** are ISO 8601 in UTC to the second. **Numbers** are E.164; look-ups take any usual way of writing one.

**Revisions.** Every change to an organization or anything in it is one revision of it: 1, 2, 3 and so on without a gap.
`.trim();

/** What the OpenAPI document says besides the routes, which say the rest themselves. */
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
        { name: 'Organizations', description: 'Who numbers belong to.' },
        { name: 'Users', description: 'Who numbers are assigned to.' },
        { name: 'Events', description: 'What happened, in order.' },
        { name: 'Usage', description: 'What is charged.' },
        { name: 'Keys', description: 'What calls are made with.' },
        { name: 'Carriers', description: 'Where numbers come from.' },
        { name: 'Settings', description: 'What the tenant has decided for all of its organizations.' },
        { name: 'Operations', description: 'For those who run the server.' },
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
