// How wide words are, and what of them fits.

export const FONT = { name: '600 12px system-ui, sans-serif', small: '10.5px system-ui, sans-serif' };

const pen = /** @type {CanvasRenderingContext2D} */ (document.createElement('canvas').getContext('2d'));

/** @type {(value: number, low: number, high: number) => number} */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** @type {(text: string, font: string) => number} */
export const widthOf = (text, font) => {
  pen.font = font;
  return pen.measureText(text).width;
};

/** @type {(text: string, width: number, font: string) => string} */
export function fit(text, width, font) {
  if (widthOf(text, font) <= width) return text;
  const signs = [...text];
  let low = 0;
  let high = signs.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (widthOf(`${signs.slice(0, middle).join('')}…`, font) <= width) low = middle;
    else high = middle - 1;
  }
  return `${signs.slice(0, low).join('').trimEnd()}…`;
}

/** @type {(text: string, width: number, font: string, most: number) => string[]} */
export function wrap(text, width, font, most) {
  const lines = [];
  let line = '';
  for (const word of text.replace(/“ /g, '“\u00a0').split(/[ \n\t]+/)) {
    const longer = line ? `${line} ${word}` : word;
    if (line && widthOf(longer, font) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  lines.push(line);
  if (lines.length > most) lines.splice(most - 1, lines.length, lines.slice(most - 1).join(' '));
  return lines.map((each) => fit(each, width, font));
}
