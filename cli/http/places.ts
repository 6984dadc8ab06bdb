import { Failure } from '../terminal/failure.ts';

/**
 * The error of a call, with places as the person knows them. The server names a place in the request,
 * `items[3].user_id`; the request was made from a file, which has lines.
 * @param list the field of the request
 * @param placeOf such as `line 5`, by the index in the list
 */
export function withPlaces(error: unknown, list: string, placeOf: (index: number) => string | undefined) {
  if (!(error instanceof Failure)) return error;
  const named = (text: string) =>
    text.replace(new RegExp(String.raw`\b${list}\[(\d+)\](\.?)`, 'g'), (all, index, dot) => {
      const place = placeOf(Number(index));
      return place === undefined ? all : dot ? `${place}: ` : place;
    });
  return new Failure(named(error.message), error.exitCode, error.body && named(error.body));
}
