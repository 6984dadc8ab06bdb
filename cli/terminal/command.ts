import { type Command, Help, type Option } from 'commander';

/** A group of commands, such as `numbers`. */
export const group = (program: Command, name: string, summary: string, examples: string[]): Command =>
  withExamples(program.command(name).description(summary), examples);

/** One command that prints something: its help ends with examples, and it knows --json. */
export function command(parent: Command, name: string, summary: string, examples: string[]): Command {
  const made = withExamples(parent.command(name).description(summary), examples);
  return made.option('--json', 'print one JSON document, for programs');
}

/** Ends the help of a command with examples, each as it is typed after `linekeeper`, or whole if it has a pipe. */
export function withExamples(made: Command, examples: string[]): Command {
  const lines = examples.map(example => `  ${example.includes(' | ') ? example : `linekeeper ${example}`}`);
  return made.addHelpText('after', `\n${examples.length > 1 ? 'Examples' : 'Example'}:\n${lines.join('\n')}`);
}

const standard = new Help();

/** In every help what is required comes first and says so, and what every command has comes last. */
export const helpLayout: Partial<Help> = {
  visibleOptions: made => standard.visibleOptions(made).sort((a, b) => place(a) - place(b)),
  optionDescription: option => standard.optionDescription(option) + (option.mandatory ? ' (required)' : ''),
};

function place({ mandatory, long }: Option): number {
  if (mandatory) return 0;
  if (/^--(json|help)$/.test(long ?? '')) return 3;
  return /^--(idempotency-key|if-match)$/.test(long ?? '') ? 2 : 1;
}
