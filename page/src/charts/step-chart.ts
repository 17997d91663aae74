/** A line that changes in steps over time, such as a balance, with the value under the pointer. */
import { roundTicks, timeTicks } from './scale.js';
import { drawing, svg } from './svg.js';

export interface StepPoint {
  readonly atMs: number;
  /** The value from then on. */
  readonly value: number;
  /** What the pointer reads there. */
  readonly title: string;
}

export interface StepChart {
  /** In the order of time. */
  readonly points: readonly StepPoint[];
  /** Where the line ends, which is not before the last point. */
  readonly endMs: number;
  /** Names what the drawing shows, for screen readers. */
  readonly label: string;
  format(value: number): string;
}

const HEIGHT = 220;
const TOP = 20;
const BOTTOM = 28;
const RIGHT = 16;
const CHARACTER = 7;
const TICK_WIDTH = 64;
const TICK_HEIGHT = 34;
/** With more points the dots would hide the line. */
const MOST_DOTS = 60;

/** Draws the line with both axes labelled. */
export function stepChart(chart: StepChart): SVGElement {
  return drawing(chart.label, HEIGHT, (width) => draw(chart, width));
}

interface Frame {
  readonly left: number;
  readonly right: number;
  x(atMs: number): number;
  y(value: number): number;
}

function draw({ points, endMs, format }: StepChart, width: number): readonly Node[] {
  const values = points.map(({ value }) => value);
  const ticks = roundTicks(Math.min(0, ...values), Math.max(0, ...values), (HEIGHT - TOP - BOTTOM) / TICK_HEIGHT);
  const startMs = points[0]?.atMs ?? endMs;
  const left = 12 + CHARACTER * Math.max(...ticks.map((tick) => format(tick).length));
  const frame = frameOf(left, width - RIGHT, startMs, endMs, ticks);
  const path = lineOf(points, endMs, frame);
  const last = points.at(-1);
  const zero = frame.y(0);
  const times = timeTicks(startMs, endMs, Math.floor((width - left) / TICK_WIDTH));
  return [
    ...ticks.flatMap((tick) => rule(tick, format(tick), frame)),
    ...times.map(({ at, label }) => svg('text', { x: frame.x(at), y: HEIGHT - 8, class: 'axis middle' }, label)),
    svg('path', { d: `${path} V ${zero} H ${frame.x(startMs)} Z`, class: 'area' }),
    svg('path', { d: path, class: 'line' }),
    ...(points.length <= MOST_DOTS ? points : points.slice(-1)).map((point) => dot(point, frame)),
    ...(last === undefined ? [] : [endLabel(format(last.value), frame.y(last.value), frame.right)]),
  ];
}

function frameOf(left: number, right: number, startMs: number, endMs: number, ticks: readonly number[]): Frame {
  const [least, most] = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
  const span = Math.max(endMs - startMs, 1);
  return {
    left,
    right,
    x: (atMs) => round(left + ((right - left) * (atMs - startMs)) / span),
    y: (value) => round(HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * (value - least)) / (most - least)),
  };
}

function lineOf(points: readonly StepPoint[], endMs: number, { x, y }: Frame): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  const steps = rest.map(({ atMs, value }) => `H ${x(atMs)} V ${y(value)}`);
  return [`M ${x(first.atMs)} ${y(first.value)}`, ...steps, `H ${x(endMs)}`].join(' ');
}

function rule(tick: number, text: string, { left, right, y }: Frame): readonly Node[] {
  return [
    svg('line', { x1: left, x2: right, y1: y(tick), y2: y(tick), class: tick === 0 ? 'rule zero' : 'rule' }),
    svg('text', { x: left - 8, y: y(tick) + 4, class: 'axis end' }, text),
  ];
}

/** A dot with a larger, invisible area that the pointer finds easily. */
function dot({ atMs, value, title }: StepPoint, { x, y }: Frame): Node {
  const centre = { cx: x(atMs), cy: y(value) };
  const seen = svg('circle', { ...centre, r: 3, class: 'dot-mark' });
  return svg('g', {}, svg('title', {}, title), svg('circle', { ...centre, r: 9, class: 'target' }), seen);
}

function endLabel(text: string, y: number, right: number): Node {
  return svg('text', { x: right, y: Math.max(12, y - 8), class: 'value end' }, text);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
