// Outlines and signs: a kind is told by its shape, not by colour alone.

/** @type {Record<string, (w: number, h: number) => string>} */
export const SHAPES = {
  input: (w, h) => `M10,0H${w - 10}Q${w},0 ${w},10V${h - 9}L${w - 9},${h}H9L0,${h - 9}V10Q0,0 10,0Z`,
  middle: (w, h) =>
    `M12,0H${w - 12}Q${w},0 ${w},12V${h - 12}Q${w},${h} ${w - 12},${h}H12Q0,${h} 0,${h - 12}V12Q0,0 12,0Z`,
  say: (w, h) =>
    `M10,0H${w / 2 - 8}L${w / 2},-7L${w / 2 + 8},0H${w - 10}Q${w},0 ${w},10V${
      h - 10
    }Q${w},${h} ${w - 10},${h}H10Q0,${h} 0,${h - 10}V10Q0,0 10,0Z`,
};

/** @type {Record<string, string>} */
export const SIGNS = {
  input: 'M1,3h9M1,6h6M1,9h9',
  middle: 'M5.5,1l4.5,2.5v5l-4.5,2.5l-4.5,-2.5v-5z',
  concept: 'M5.5,1a4.5,4.5 0 1 1 -0.01,0zM5.5,4a1.5,1.5 0 1 1 -0.01,0z',
  say: 'M1,1h9v6h-4l-2.5,3v-3h-2.5z',
};

/** @type {Record<string, (r: number) => string>} */
export const DOTS = {
  input: (r) => `M${-r},${r}H${r}L0,${-r}Z`,
  say: (r) => `M${-r},${-r}H${r}V${r}H${-r}Z`,
  error: (r) => `M${-r},${-r}L${r},${r}M${r},${-r}L${-r},${r}`,
  other: (r) => `M${-r},0A${r},${r} 0 1 1 ${r},0A${r},${r} 0 1 1 ${-r},0Z`,
};
