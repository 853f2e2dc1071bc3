// A saved explanation: the page holds its drawing, and nothing can be asked.
import { drawCircuit } from './circuit.js';

/** @import { Drawing } from './types.js' */

export function openSavedPage() {
  if (matchMedia('(prefers-color-scheme: dark)').matches) document.documentElement.classList.add('dark');
  const [element, kept] = [document.getElementById('circuit'), document.getElementById('drawing')];
  if (!element) return;
  /** @type {Drawing | null} */
  const drawing = JSON.parse(kept?.textContent ?? 'null');
  const value = drawing && { ...drawing, only_seen: true };
  const nothing = () => undefined;
  drawCircuit(element, { value, tried: null }, nothing, nothing);
}
