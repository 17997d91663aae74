/** Upright bars in groups, one bar a series. Series differ by filling as well as by colour. */
import { el, freshId } from '../dom.js';
import { roundTicks } from './scale.js';
import { drawing, svg } from './svg.js';

/** How the bars of a series are filled. */
export type Filling = 'solid' | 'striped' | 'outlined';

export interface Series {
  readonly name: string;
  readonly filling: Filling;
}

export interface BarGroup {
  readonly label: string;
  /** A second line below the label, such as a year; a repeated one is left out. */
  readonly sublabel?: string;
  /** One value a series, not negative. */
  readonly values: readonly number[];
}

export interface BarChart {
  readonly series: readonly Series[];
  readonly groups: readonly BarGroup[];
  /** Names what the drawing shows, for screen readers. */
  readonly label: string;
  format(value: number): string;
}

const HEIGHT = 220;
const TOP = 24;
const BOTTOM = 42;
const RIGHT = 8;
const CHARACTER = 7;
const TICK_HEIGHT = 34;
const WIDEST_BAR = 44;
/** The pattern of stripes, 6 pixels wide. */
const STRIPE = 6;

/** Draws the bars with both axes labelled. The values stand above the bars of one series if all of them fit. */
export function barChart(chart: BarChart): SVGElement {
  return drawing(chart.label, HEIGHT, (width) => draw(chart, width));
}

/** Names the series with their fillings. */
export function barLegend(series: readonly Series[]): HTMLElement {
  const items = series.map(({ name, filling }) => {
    const pattern = freshId();
    const sample = svg('svg', { class: 'sample', viewBox: '0 0 16 12', 'aria-hidden': 'true' }, stripes(pattern));
    sample.append(bar({ x: 1, y: 1, width: 14, height: 10 }, filling, pattern));
    return el('li', {}, sample, name);
  });
  return el('ul', { class: 'legend', role: 'list' }, ...items);
}

function draw({ series, groups, format }: BarChart, width: number): readonly Node[] {
  const most = Math.max(1, ...groups.flatMap(({ values }) => values));
  const ticks = roundTicks(0, most, (HEIGHT - TOP - BOTTOM) / TICK_HEIGHT);
  const top = ticks.at(-1) ?? 1;
  const left = 12 + CHARACTER * Math.max(...ticks.map((tick) => format(tick).length));
  const y = (value: number) => Math.round(HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * value) / top);
  const step = (width - RIGHT - left) / Math.max(groups.length, 1);
  const pattern = freshId();
  const lines = ticks.flatMap((tick) => [
    svg('line', { x1: left, x2: width - RIGHT, y1: y(tick), y2: y(tick), class: tick === 0 ? 'rule zero' : 'rule' }),
    svg('text', { x: left - 8, y: y(tick) + 4, class: 'axis end' }, format(tick)),
  ]);
  const barWidth = Math.min(WIDEST_BAR, (step * 0.72) / series.length);
  const every = labelStep(groups, step);
  const longest = Math.max(...groups.flatMap(({ values }) => values.map((value) => format(value).length)));
  const showsValues = series.length === 1 && longest * CHARACTER <= step - 4;
  const drawn = groups.flatMap((group, index) => {
    const middle = left + step * (index + 0.5);
    const first = middle - (barWidth * series.length) / 2;
    const bars = group.values.map((value, at) => {
      const box = { x: first + at * barWidth + 1, y: y(value), width: barWidth - 2, height: y(0) - y(value) };
      const { name = '', filling = 'solid' } = series[at] ?? {};
      const what = [group.label, group.sublabel, series.length > 1 ? name : undefined].filter(Boolean).join(' ');
      const title = svg('title', {}, `${what}: ${format(value)}`);
      const text = showsValues && value !== 0 ? [valueAbove(format(value), box)] : [];
      return svg('g', {}, title, bar(box, filling, pattern), ...text);
    });
    if (index % every !== 0) return bars;
    const isRepeated = group.sublabel === groups[index - every]?.sublabel;
    return [...bars, ...labels(isRepeated ? { ...group, sublabel: '' } : group, middle)];
  });
  return [stripes(pattern), ...lines, ...drawn];
}

/** Every how many groups a label fits. */
function labelStep(groups: readonly BarGroup[], step: number): number {
  const longest = Math.max(0, ...groups.flatMap(({ label, sublabel = '' }) => [label.length, sublabel.length]));
  return Math.max(1, Math.ceil((longest * CHARACTER + 6) / step));
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function bar(box: Box, filling: Filling, pattern: string): SVGElement {
  const place = { x: box.x, y: box.y, width: Math.max(box.width, 1), height: box.height, rx: 2 };
  const striped = filling === 'striped' ? { fill: `url(#${pattern})` } : {};
  return svg('rect', { ...place, ...striped, class: `bar-mark ${filling}` });
}

function stripes(id: string): SVGElement {
  const size = { id, width: STRIPE, height: STRIPE, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' };
  return svg('defs', {}, svg('pattern', size, svg('rect', { width: STRIPE / 2, height: STRIPE, class: 'stripe' })));
}

function valueAbove(text: string, { x, y, width }: Box): Node {
  return svg('text', { x: x + width / 2, y: y - 6, class: 'value middle' }, text);
}

function labels({ label, sublabel = '' }: BarGroup, x: number): readonly Node[] {
  const lines = sublabel === '' ? [label] : [label, sublabel];
  return lines.map((text, index) =>
    svg('text', { x, y: HEIGHT - BOTTOM + 18 + 16 * index, class: 'axis middle' }, text),
  );
}
