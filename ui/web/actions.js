// What can be done to the picture: paint it, pin, reveal, open, change the view.

import { chainPanel, conceptPanel } from './chain_panel.js';
import { paintChain } from './chain_picture.js';
import { focusOn, standIn } from './circuit_state.js';
import { lensPanel } from './lens_panel.js';
import { paintLens } from './lens_view.js';
import { mark } from './marks.js';
import { groupPanel, nodePanel, startPanel } from './panel.js';
import { paintDots, paintGroups } from './picture.js';
import { toSentence } from './sentences.js';

/** @import { Circuit, View } from './types.js' */
/** @import { Viewer } from './view.js' */

/** @type {Record<View, typeof paintDots>} */
const PAINTERS = { concepts: paintChain, groups: paintGroups, features: paintDots, lens: paintLens };

/** @typedef {ReturnType<typeof actionsOf>} CircuitActions */

/**
 * @param {Circuit} c
 * @param {Viewer} viewer
 */
export function actionsOf(c, viewer) {
  function paint() {
    if (!c.graph) return;
    const width = c.stage.clientWidth || 600;
    const height = Math.max(300, c.stage.clientHeight || 480);
    c.svg.replaceChildren();
    c.spots = new Map();
    c.links = [];
    c.bundles = [];
    const tall = PAINTERS[c.mode](c, c.graph, width, height);
    if (c.view.k === 1 && !c.view.x && !c.view.y && tall > height + 1) {
      const k = height / tall;
      c.view = { x: (width * (1 - k)) / 2, y: 0, k };
    }
    for (const [name, tab] of Object.entries(c.tabs))
      tab.setAttribute('aria-pressed', String(c.mode === name));
    c.home.dataset.view = c.mode;
    c.slider.value = String(c.strength[c.mode] * 100);
    viewer.move();
    viewer.ink();
    mark(c);
    tellDetails();
  }

  function tellDetails() {
    if (!c.graph) return;
    const group = c.index.groups.get(c.pinned ?? '');
    const node = c.pinned ? c.index.nodes.get(c.index.tokens.get(c.pinned) ?? c.pinned) : undefined;
    const act = {
      open: reveal,
      expand,
      bench: c.bench.show,
      /** @param {string} id */
      isOpen: (id) => c.opened.has(id) && c.mode === 'groups',
    };
    const concept = c.index.concepts.get(c.pinned ?? '');
    const start = c.mode === 'concepts' ? chainPanel : startPanel;
    let content = c.mode === 'lens' ? lensPanel(c.graph, c.cell, act) : start(c.graph, c.index, act);
    if (concept) content = conceptPanel(c.graph, c.index, concept, act);
    else if (group) content = groupPanel(c.graph, c.index, group, act);
    else if (node) content = nodePanel(c.graph, c.index, node, act);
    c.panel.replaceChildren(...content.filter((part) => part !== null));
  }

  /** @param {string | null} id */
  function pin(id) {
    c.pinned = id;
    c.lit = null;
    c.tip.style.display = 'none';
    mark(c);
    tellDetails();
    if (id) toSentence();
    const loose = id === null || c.index.concepts.has(id); // the agent is asked about a concept by its name
    const what = loose ? { kind: '', id: '', label: '' } : focusOn(c, id);
    if (what) c.trigger('pick', what);
  }

  /** @param {string} id */
  function reveal(id) {
    const home = c.index.nodes.get(id)?.supernode;
    if (!standIn(c, id) && c.index.concepts.has(id)) show('concepts');
    else if (!standIn(c, id)) show(c.index.groups.has(id) ? 'groups' : 'features');
    else if (home && !c.spots.has(id)) {
      c.opened.add(home);
      paint();
    }
    pin(id);
  }

  /** @param {string} id */
  function expand(id) {
    c.mode = 'groups';
    if (!c.opened.delete(id)) c.opened.add(id);
    paint();
  }

  /** @param {View} next */
  function show(next) {
    c.mode = next;
    c.view = { x: 0, y: 0, k: 1 };
    paint();
  }

  function reset() {
    c.view = { x: 0, y: 0, k: 1 };
    c.opened = new Set();
    c.finder.value = '';
    paint();
  }

  return { paint, tellDetails, pin, expand, show, reset };
}
