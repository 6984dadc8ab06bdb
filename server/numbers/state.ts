import { isDeepStrictEqual } from 'node:util';
import type { Static } from '../../schema/schema.ts';
import type { Field } from './field.ts';
import { fields } from './fields.ts';

type Fields = typeof fields;
export type FieldName = keyof Fields;
type Having<Property extends keyof Field> = {
  [Name in FieldName]: Fields[Name] extends Record<Property, unknown> ? Name : never;
}[FieldName];

/** The fields that change, and of which number_versions keeps what they were. */
export type StateName = Having<'empty'>;
/** The fields that users edit. */
export type EditableName = Having<'edit'>;

/** The views that show a field whose narrowest view is the key. */
type Views = { list: 'list' | 'full' | 'detail'; full: 'full' | 'detail'; detail: 'detail' };
/** A number as a view shows it: moments are text. */
export type Shown<V extends Views[keyof Views]> = {
  [Name in FieldName as Fields[Name] extends { view: infer N extends keyof Views }
    ? V extends Views[N]
      ? Name
      : never
    : never]: Static<Fields[Name]['schema']> | (Fields[Name] extends { nullable: true } ? null : never);
};

type Value<Name extends FieldName> =
  | (Fields[Name] extends { column: 'timestamptz' } ? Date : Static<Fields[Name]['schema']>)
  | (Fields[Name] extends { nullable: true } ? null : never);
export type State = { [Name in StateName]: Value<Name> };
export type Editable = Pick<State, EditableName>;
/** What a client gives to be changed: null clears. */
export type Edit = { [Name in EditableName]?: Editable[Name] | null | undefined };
export type NumberStatus = State['status'];

export const field = (name: FieldName): Field => fields[name];
export const fieldNames = Object.keys(fields) as FieldName[];
const namesHaving = <Name extends FieldName>(property: keyof Field): Name[] =>
  fieldNames.filter((name): name is Name => property in fields[name]);
export const stateNames = namesHaving<StateName>('empty');
export const editableNames = namesHaving<EditableName>('edit');
/** The fields whose values lists can be narrowed down to. */
export type FilterName = {
  [Name in EditableName]: Fields[Name] extends { edit: { filter: true } } ? Name : never;
}[EditableName];
export const filterNames = editableNames.filter(
  (name): name is FilterName => field(name).edit!.filter === true,
);
export const uniqueNames = editableNames.filter(name => field(name).edit!.unique);
export const historyNames = namesHaving<Having<'history'>>('history');

/** What a number is of which nothing has been said. */
export const emptyState = Object.fromEntries(stateNames.map(name => [name, fields[name].empty])) as State;

export const emptyEditable = Object.fromEntries(
  editableNames.map(name => [name, emptyState[name]]),
) as Editable;

/** The given fields in the form that is stored; those that are not given are not in it. @throws Problem `invalid_request` */
export function readEdit(given: Edit): Partial<Editable> {
  const read: Record<string, unknown> = {};
  for (const name of editableNames) {
    const value = given[name];
    if (value === undefined) continue;
    const { edit, empty } = field(name);
    read[name] = value === null ? empty : (edit!.read?.(value as never) ?? value);
  }
  return read;
}

/** What an event says of a number that comes: its nickname, and each other value that is not the empty one. */
export const inEvent = (values: Partial<Editable>): Partial<Editable> => ({
  nickname: null,
  ...Object.fromEntries(
    Object.entries(values).filter(
      ([name, value]) => !isDeepStrictEqual(value, emptyState[name as EditableName]),
    ),
  ),
});
