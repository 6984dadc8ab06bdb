/** One line of a plot: a value for each place on the horizontal axis, from left to right. */
export type Curve = { name: string; points: [x: number, y: number][] };

export type Plot = {
  title: string;
  x: { label: string; ticks: { at: number; text: string }[] };
  /** Logarithmic, or from zero on. */
  y: { label: string; logarithmic: boolean };
  curves: Curve[];
};

const width = 760;
const height = 460;
const area = { left: 76, right: width - 24, top: 84, bottom: height - 62 };
// Two hues, dark and light, and another dash for each, so that print tells them apart too.
const lineStyles = [
  { color: '#b3261e', dash: '' },
  { color: '#e8837c', dash: '7 4' },
  { color: '#1f4e8c', dash: '' },
  { color: '#7fa8dc', dash: '7 4' },
];

/** The horizontal axis is logarithmic always. */
export function drawPlot({ title, x, y, curves }: Plot): string {
  const values = curves.flatMap(curve => curve.points.map(point => point[1]));
  const ticks = y.logarithmic
    ? ticksBetween(Math.min(...values), Math.max(...values))
    : ticksUpTo(Math.max(...values));
  const places = x.ticks.map(tick => tick.at);
  const across = scale(
    [Math.log(Math.min(...places)), Math.log(Math.max(...places))],
    [area.left + 34, area.right - 34],
  );
  const up = y.logarithmic
    ? scale([Math.log(ticks[0]!), Math.log(ticks.at(-1)!)], [area.bottom, area.top])
    : scale([0, ticks.at(-1)!], [area.bottom, area.top]);
  const xOf = (value: number) => across(Math.log(value));
  const yOf = (value: number) => up(y.logarithmic ? Math.log(value) : value);
  const parts = [
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(area.left, 28, title, 'start', 'font-size="17" font-weight="600"'),
    ...ticks.flatMap(tick => [
      line(area.left, yOf(tick), area.right, yOf(tick), '#e3e3e3'),
      text(area.left - 8, yOf(tick) + 4, plain(tick), 'end'),
    ]),
    ...x.ticks.flatMap(({ at, text: label }) => [
      line(xOf(at), area.bottom, xOf(at), area.bottom + 5, '#555555'),
      text(xOf(at), area.bottom + 21, label, 'middle'),
    ]),
    line(area.left, area.bottom, area.right, area.bottom, '#555555'),
    line(area.left, area.top, area.left, area.bottom, '#555555'),
    text((area.left + area.right) / 2, height - 16, x.label, 'middle'),
    `<g transform="translate(20 ${(area.top + area.bottom) / 2}) rotate(-90)">${text(0, 0, y.label, 'middle')}</g>`,
    ...curves.flatMap((curve, index) => drawCurve(curve, styleOf(index, curves.length), xOf, yOf)),
    ...curves.flatMap(({ name }, index) => drawKey(name, index, curves.length)),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="13" fill="#222222">
${parts.join('\n')}
</svg>
`;
}

type Style = (typeof lineStyles)[number];

/** Two curves get a hue each, four get them in pairs. */
const styleOf = (index: number, count: number): Style =>
  lineStyles[(count > 2 ? index : 2 * index) % lineStyles.length]!;

function drawCurve(
  { points }: Curve,
  style: Style,
  xOf: (x: number) => number,
  yOf: (y: number) => number,
): string[] {
  const places = points.map(([x, y]) => [xOf(x).toFixed(1), yOf(y).toFixed(1)]);
  return [
    `<polyline points="${places.map(place => place.join(',')).join(' ')}" fill="none" stroke-width="2" ${stroke(style)}/>`,
    ...places.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3.5" fill="${style.color}"/>`),
  ];
}

/** What the lines are, in one row between title and area. */
function drawKey(name: string, index: number, count: number): string[] {
  const style = styleOf(index, count);
  const left = area.left + (index * (area.right - area.left)) / Math.max(count, 4);
  return [
    `<line x1="${left}" y1="54" x2="${left + 30}" y2="54" stroke-width="2" ${stroke(style)}/>`,
    `<circle cx="${left + 15}" cy="54" r="3.5" fill="${style.color}"/>`,
    text(left + 38, 58, name, 'start'),
  ];
}

const stroke = ({ color, dash }: Style): string =>
  `stroke="${color}"${dash && ` stroke-dasharray="${dash}"`}`;

const line = (x1: number, y1: number, x2: number, y2: number, color: string): string =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${color}"/>`;

const text = (x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end', more = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" ${more}>${escaped(content)}</text>`;

const escaped = (content: string): string =>
  content.replace(/[&<>]/g, char => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[char]!);

const plain = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 6 });

function scale([from, to]: [number, number], [first, last]: [number, number]): (value: number) => number {
  const span = to - from || 1;
  return value => first + ((value - from) / span) * (last - first);
}

/** 1, 2, 5, 10 … around what there is. */
function ticksBetween(least: number, most: number): number[] {
  const all: number[] = [];
  for (let exponent = -6; exponent <= 9; exponent++)
    for (const digit of [1, 2, 5]) all.push(Number(`${digit}e${exponent}`));
  const from = all.findLastIndex(tick => tick <= least);
  const to = all.findIndex(tick => tick >= most);
  return all.slice(from, Math.max(to, from + 1) + 1);
}

/** Zero and four to eight steps of a round size. */
function ticksUpTo(most: number): number[] {
  const size = 10 ** Math.floor(Math.log10(most));
  const step = [0.1, 0.2, 0.25, 0.5, 1, 2].map(part => part * size).find(step => most / step <= 8)!;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) =>
    Number((index * step).toPrecision(6)),
  );
}
