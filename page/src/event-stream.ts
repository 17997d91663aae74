/** Parses server-sent events as the HTML standard defines them. Only `data` lines are used. */

/** Returns a function that takes text chunks of any size and returns the data of the completed events. */
export function createEventReader(): (text: string) => readonly string[] {
  let rest = '';
  return (text) => {
    rest += text;
    const blocks = rest.split(/\r\n\r\n|\n\n|\r\r/);
    rest = blocks.pop() ?? '';
    return blocks.map(dataOf).filter((data) => data !== '');
  };
}

function dataOf(block: string): string {
  return block
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice('data:'.length).replace(/^ /, ''))
    .join('\n');
}
