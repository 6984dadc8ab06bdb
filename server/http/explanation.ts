import type { AnySchemaObject, ErrorObject } from 'ajv';
import { ruleOf } from '../../schema/shapes.ts';
import { invalidFields, namedMax, type Problem, type WrongField } from '../errors.ts';
import { formatRules } from './text-formats.ts';

const quotedMax = 100;
/** A longer list of words is shown by its beginning: nobody reads 245 countries. */
const wordsMax = 20;

/** Turns Ajv's errors into one that names each wrong field and its rule. */
export function explainValidation(errors: ErrorObject[], part: string): Problem {
  const wrong = new Map<string, WrongField>();
  for (const error of mostPrecise(errors)) {
    // Nobody reads the questions of fields that are only counted.
    const one = explain(error, part, wrong.size < namedMax);
    // The first rule that a field breaks says enough.
    if (!wrong.has(one.field)) wrong.set(one.field, one);
  }
  return invalidFields([...wrong.values()]);
}

/** Where a value has several forms, an error inside of the form that it has says more than that it has not another. */
function mostPrecise(errors: ErrorObject[]): ErrorObject[] {
  const isChoice = ({ keyword }: ErrorObject) => /^(anyOf|oneOf)$/.test(keyword);
  const choices = new Set(errors.filter(isChoice).map(({ instancePath }) => instancePath));
  if (choices.size === 0) return errors;
  const above = new Set<string>();
  for (const { instancePath: path } of errors)
    for (let end = path.lastIndexOf('/'); end >= 0; end = path.lastIndexOf('/', end - 1)) {
      above.add(path.slice(0, end));
      if (end === 0) break;
    }
  const hasForm = (path: string) => above.has(path);
  const precise = errors.filter(error => {
    if (isChoice(error)) return false;
    const { keyword, instancePath: path } = error;
    return !(keyword === 'type' && choices.has(path) && hasForm(path));
  });
  return precise.length > 0 ? precise : errors;
}

function explain(error: ErrorObject, part: string, mayAsk: boolean): WrongField {
  const { params, parentSchema = {} } = error;
  const field = fieldName(error.instancePath);
  const inner = (name: string) => (field ? `${field}.${name}` : name);
  const about = (name: string, rule: string): WrongField => ({
    field: name || part,
    error: `${name} ${rule}`,
  });
  const itself = (rule: string): WrongField => ({
    field: field || part,
    error: `${field || `the ${part}`} ${rule}`,
  });
  switch (error.keyword) {
    case 'required':
      return about(inner(params.missingProperty), 'is required');
    case 'additionalProperties': {
      const name: string = params.additionalProperty;
      const noun = part === 'querystring' ? 'parameter' : 'field';
      const question = !mayAsk ? '' : questionOf(name, Object.keys(parentSchema.properties ?? {}));
      return about(inner(shortened(name)), `is not a known ${noun}${question}`);
    }
    case 'enum':
      return itself(
        `must be one of ${listed(params.allowedValues)}${mayAsk ? questionOf(error.data, params.allowedValues) : ''}`,
      );
    case 'const':
      return itself(`must be ${JSON.stringify(params.allowedValue)}`);
    case 'discriminator': {
      const choices: { properties: Record<string, { const: unknown }> }[] = parentSchema.oneOf ?? [];
      const words = choices.map(({ properties }) => properties[params.tag]?.const);
      return about(inner(params.tag), `must be one of ${listed(words)}`);
    }
    case 'type': {
      const types: string[] = [params.type].flat();
      const wanted = types.map(type =>
        type === 'boolean' ? 'true or false' : `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`,
      );
      return itself(`must be ${wanted.join(' or ').replace('a null', 'null')}`);
    }
    case 'pattern':
      return itself(`must be ${inWords(ruleOf(params.pattern), parentSchema)}`);
    case 'format':
      return itself(`must be ${inWords(formatRules[params.format], parentSchema)}`);
    case 'uniqueItems':
      return itself('must not have the same item twice');
    case 'minProperties':
      return itself('must have at least one field');
    default:
      return itself(`${error.message?.replace('NOT', 'not')}`);
  }
}

/** A rule with an example: its own, or that of the schema. */
function inWords(rule: string | undefined, { examples = [] }: AnySchemaObject): string {
  if (rule?.includes('such as') || examples.length === 0) return rule ?? 'text of another form';
  return `${rule ?? 'text'} such as ${examples[0]}`;
}

function listed(words: unknown[]): string {
  const texts = words.map(word => String(word ?? 'null'));
  if (texts.length <= wordsMax) return texts.join(', ');
  return `${texts.slice(0, wordsMax).join(', ')} and ${texts.length - wordsMax} more`;
}

const shortened = (name: string): string => (name.length > quotedMax ? `${name.slice(0, quotedMax)}…` : name);

/** Turns `/phone_numbers/3/nickname` into `phone_numbers[3].nickname`, as the client would write it. */
function fieldName(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map(part => shortened(part.replaceAll('~1', '/').replaceAll('~0', '~')))
    .map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}

/** Asks for the word that was meant, if one is near. */
function questionOf(written: unknown, known: unknown[]): string {
  const words = known.filter(word => typeof word === 'string');
  const meant = typeof written === 'string' ? nearest(written, words) : undefined;
  return meant === undefined ? '' : ` (did you mean ${meant}?)`;
}

/** The known name that somebody meant who wrote another one: `organisation_id`, `organizationId`, `organization`. */
function nearest(name: string, known: string[]): string | undefined {
  if (name.length > 60) return undefined;
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const written = plain(name);
  if (written === '') return undefined;
  const [closest] = known
    .map(other => ({ other, distance: distanceOf(written, plain(other)) }))
    .sort((a, b) => a.distance - b.distance);
  if (closest && closest.distance <= 1 && closest.distance < written.length / 2) return closest.other;
  const words = (text: string) => `_${text.toLowerCase()}_`;
  const longer = written.length < 4 ? undefined : known.find(other => words(other).includes(words(name)));
  return longer ?? (closest && closest.distance <= written.length / 3 ? closest.other : undefined);
}

/** How many letters must be put in, left out or replaced (Levenshtein). */
function distanceOf(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1));
    row = next;
  }
  return row[to.length]!;
}
