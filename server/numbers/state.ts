import { isDeepStrictEqual } from 'node:util';
import type { Static } from '../../schema/schema.ts';
import type { Field } from './field.ts';
import { fields } from './fields.ts';

type Fields = typeof fields;
export type FieldName = keyof Fields;
type NamesWith<Property extends keyof Field> = {
  [Name in FieldName]: Fields[Name] extends Record<Property, unknown> ? Name : never;
}[FieldName];

/** The fields that change. number_versions keeps their earlier values. */
export type StateName = NamesWith<'empty'>;
/** The fields that admins edit. */
export type EditableName = NamesWith<'edit'>;
/** The fields that lists can be filtered by. */
export type FilterName = {
  [Name in EditableName]: Fields[Name] extends { edit: { filter: true } } ? Name : never;
}[EditableName];

/** For each narrowest view of a field, all views that show the field. */
type Views = { list: 'list' | 'full' | 'detail'; full: 'full' | 'detail'; detail: 'detail' };
/** A number as a view shows it: timestamps are text. */
export type NumberView<V extends Views[keyof Views]> = {
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
/** The fields that a client gives. Null clears a field. */
export type Edit = { [Name in EditableName]?: Editable[Name] | null | undefined };
export type NumberStatus = State['status'];

export const field = (name: FieldName): Field => fields[name];
export const fieldNames = Object.keys(fields) as FieldName[];
const namesWith = <Name extends FieldName>(property: keyof Field): Name[] =>
  fieldNames.filter((name): name is Name => property in fields[name]);
export const stateNames = namesWith<StateName>('empty');
export const editableNames = namesWith<EditableName>('edit');
export const filterNames = editableNames.filter(
  (name): name is FilterName => field(name).edit!.filter === true,
);
export const uniqueNames = editableNames.filter(name => field(name).edit!.unique);
export const historyNames = namesWith<NamesWith<'history'>>('history');

/** The state of a new number for which no field is given. */
export const emptyState = Object.fromEntries(stateNames.map(name => [name, fields[name].empty])) as State;

export const emptyEditable = Object.fromEntries(
  editableNames.map(name => [name, emptyState[name]]),
) as Editable;

/** The given fields, normalized as they are stored, and no others. @throws Problem `invalid_request` */
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

/** The values of a new number that its event shows: the nickname, and every other value that is not empty. */
export const eventValues = (values: Partial<Editable>): Partial<Editable> => ({
  nickname: null,
  ...Object.fromEntries(
    Object.entries(values).filter(
      ([name, value]) => !isDeepStrictEqual(value, emptyState[name as EditableName]),
    ),
  ),
});
