// Pan and zoom. The edges of the features are inked on a canvas, slid along, and inked afresh at rest.
import { clamp } from './measure.js';
/** @import { Circuit } from './types.js' */

/** @typedef {{ move: () => void, ink: () => void, zoom: (factor: number, x?: number, y?: number) => void }} Viewer */

/**
 * @param {Circuit} c
 * @returns {Viewer}
 */
export function viewerOf(c) {
  let waiting = false;
  let inked = c.view;
  let rest = 0;
  let inkTime = 0; // what inking took until the next frame: dear ink waits longer for its rest

  const slide = () => {
    waiting = false;
    const { x, y, k } = c.view;
    c.root?.setAttribute('transform', `translate(${x},${y}) scale(${k})`);
    c.svg.style.touchAction = k > 1.01 ? 'none' : 'pan-y';
    const by = k / inked.k;
    c.canvas.style.transform = `translate(${x - inked.x * by}px,${y - inked.y * by}px) scale(${by})`;
    clearTimeout(rest);
    rest = window.setTimeout(ink, c.bundles.length ? Math.max(90, Math.min(3 * inkTime, 1500)) : 0);
  };
  const move = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(slide);
  };
  const ink = () => {
    const began = performance.now();
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        inkTime = performance.now() - began;
      }),
    );
    inked = c.view;
    strokeBundles(c);
  };
  /** @type {Viewer['zoom']} */
  const zoom = (factor, x = c.stage.clientWidth / 2, y = c.stage.clientHeight / 2) => {
    const { view } = c;
    const k = clamp(view.k * factor, 0.4, 8);
    c.view = { k, x: x - ((x - view.x) * k) / view.k, y: y - ((y - view.y) * k) / view.k };
    move();
  };
  return { move, ink, zoom };
}

/** @param {Circuit} c */
function strokeBundles(c) {
  const { canvas, stage, view } = c;
  const sharp = window.devicePixelRatio || 1;
  const [width, height] = [stage.clientWidth * sharp, stage.clientHeight * sharp];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const brush = canvas.getContext('2d');
  canvas.style.transform = '';
  if (!brush) return;
  brush.setTransform(1, 0, 0, 1, 0, 0);
  brush.clearRect(0, 0, width, height);
  if (!c.bundles.length) return;
  brush.setTransform(sharp * view.k, 0, 0, sharp * view.k, sharp * view.x, sharp * view.y);
  const style = getComputedStyle(stage);
  for (const { path, level, negative } of c.bundles) {
    brush.strokeStyle = style.getPropertyValue(negative ? '--ac-neg' : '--ac-pos');
    brush.globalAlpha = [0.14, 0.26, 0.5, 0.85][level];
    brush.lineWidth = [0.6, 0.9, 1.5, 2.6][level];
    brush.setLineDash(negative ? [4, 3] : []);
    brush.stroke(path);
  }
}
