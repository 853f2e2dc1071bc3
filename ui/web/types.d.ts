/** What the scripts of the page hand to each other: the drawing as the agent sends it, and what stands on the page. */

export interface DrawnNode {
  id: string;
  kind: string; // feature, token, logit, error, bias, bos
  role?: string;
  label: string;
  layer: number; // -1 for tokens, n_layers for the output
  position: number;
  influence: number;
  effect: number;
  activation?: number | null;
  supernode?: string | null;
}

export interface Head {
  layer: number;
  head: number;
  share: number;
}

export interface DrawnEdge {
  source: string;
  target: string;
  weight: number;
  heads?: Head[] | null;
  hop?: Hop; // between concepts
}

export interface Controls {
  n: number;
  max_abs: number;
  values?: number[];
}

export interface DrawnGroup {
  id: string;
  name: string;
  kind: string; // input, middle, say
  position: number;
  layers: [number, number];
  members: string[];
  share: number;
  sign: number;
  verdict?: string | null;
  predicted?: number | null;
  measured?: number | null;
  p?: number | null;
  controls?: Controls | null;
}

export interface ByHand {
  id: string;
  factor: number;
  measured: number;
}

/** What removing mostly the same features did to another lead, tested before on this text. */
export interface EarlierTest {
  id: string;
  was: string; // the group's id in that graph
  answer: string;
  foil: string;
  shared: number; // of the features of both groups
  predicted?: number | null;
  measured?: number | null;
  p?: number | null;
  verdict: string;
}

export interface Concept {
  id: string; // K1
  name: string;
  tokens: string[]; // its spellings
  position: number;
  layers: [number, number];
  role: string; // word, said before, concept, answer
  strength: number;
  effect?: number | null; // of taking it out, on the lead in logits
  verdict?: string | null;
  swap?: { other: string; says: string; p: number; outcome: string; verdict: string } | null;
}

/** From a concept, a word (T3) to a concept or the answer (LD): how much is lost without the source. */
export interface Hop {
  source: string;
  target: string;
  share?: number | null; // null: on the path, and not tested
  heads?: { name: string; share: number }[];
  verdict?: string | null;
}

export interface Guess {
  token: string;
  before: number | null; // null: not among the likeliest
  after: number | null;
}

/** What was taken out or exchanged last, and what is said then. */
export interface Changed {
  kind: string; // taken out, exchanged, or × 2
  about: string[];
  other?: string | null;
  tokens: Guess[];
}

/** What the lens reads: cells[layer][position], best first; how far each stands out (null: unknown). */
export interface LensTable {
  layers: number[];
  positions: number[];
  cells: [token: string, score: number | null][][][];
  places?: number[]; // of the answer at the last word, 1 first
}

export interface Cell {
  row: number; // of lens.layers
  column: number; // of lens.positions
}

export interface Drawing {
  graph_id: string;
  circuit: string;
  tokens: string[];
  n_layers: number;
  nodes: DrawnNode[];
  edges: DrawnEdge[];
  supernodes: DrawnGroup[];
  superedges: DrawnEdge[];
  strongest_path: string[];
  target: { answer: string; foil?: string | null; value: number };
  scores: { nodes: number; edges: number; completeness: number };
  tried?: ByHand[];
  earlier?: EarlierTest[];
  concepts?: Concept[];
  hops?: Hop[];
  path?: string[];
  changed?: Changed | null;
  lens?: LensTable | null;
  only_seen?: boolean;
}

export interface Index {
  nodes: Map<string, DrawnNode>;
  groups: Map<string, DrawnGroup>;
  concepts: Map<string, Concept>;
  tokens: Map<string, string>; // T3 or LD -> the id of its node
  into: (id: string) => DrawnEdge[];
  from: (id: string) => DrawnEdge[];
}

export interface Point {
  x: number;
  y: number;
}

export interface Box extends Point {
  width: number;
  height: number;
  row: number;
}

/** A box that has a size and a wish, and gets its place. */
export interface Wish {
  id: string;
  middle: number; // of its layers
  wishX: number;
  width: number;
  height: number;
  lines?: string[];
}

export interface PlacedBox extends Wish, Box {
  before: number;
}

export interface Row {
  boxes: PlacedBox[];
  height: number;
  low: number;
  high: number;
  layer: number;
}

export interface Column {
  from: number;
  to: number;
  folded: boolean;
  label: string;
  weight: number;
  x: number;
  width: number;
  middle: number;
}

export interface Columns {
  list: Column[];
  at: (position: number) => Column;
  upright: boolean;
}

export interface Area {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** An edge on its way through the rows of boxes. */
export interface RoutedEdge extends DrawnEdge {
  path: boolean;
  via: { x: number; low: number; high: number }[];
  aside: boolean;
  out: Point;
  in: Point;
}

export interface Spot extends Point {
  el: SVGElement;
}

export interface Link extends DrawnEdge {
  el: SVGElement | null;
  d?: string;
}

export interface Bundle {
  negative: boolean;
  level: number;
  path: Path2D;
}

export type View = 'concepts' | 'groups' | 'features' | 'lens';
export type Said = [line: string, kind?: string];

export interface Focus {
  kind: string;
  id: string;
  label: string;
}

/** What the model says with a part scaled, as the server answers a move of the slider. */
export interface Seen {
  n: number;
  id: string;
  factor: number;
  change: number;
  why?: string;
  kept?: boolean;
  tokens: Guess[];
}

/** What Gradio hands to a widget that draws itself. */
export type Trigger = (event: string, detail: unknown) => void;
export type Watch = (name: string, then: () => void) => void;

export interface CircuitProps {
  value: string | Drawing | null;
  tried: Seen | null;
}

export interface Bench {
  show: (id: string) => HTMLElement | null;
  answered: () => void;
}

/** One circuit on the page: its drawing, what is looked at, and the elements it is drawn into. */
export interface Circuit {
  element: HTMLElement;
  home: HTMLElement;
  props: CircuitProps;
  trigger: Trigger;
  graph: Drawing | null;
  index: Index;
  mode: View;
  opened: Set<string>;
  pinned: string | null;
  hovered: string | null;
  lit: { ids: Set<string>; edges: Set<string> } | null; // what a sentence of the answer is about
  held: Element | null; // the sentence that was clicked, and stays lit until something else is
  strength: Record<View, number>;
  view: { x: number; y: number; k: number };
  spots: Map<string, Spot>; // whatever stands for an id in the picture
  links: Link[];
  bundles: Bundle[];
  root: SVGGElement | null;
  svg: SVGSVGElement;
  canvas: HTMLCanvasElement;
  stage: HTMLElement;
  sheet: HTMLElement; // holds the table of the lens
  cell: Cell | null; // the one that was clicked there
  tip: HTMLElement;
  panel: HTMLElement;
  slider: HTMLInputElement;
  finder: HTMLInputElement;
  empty: HTMLElement;
  tabs: Record<View, HTMLElement>;
  behind: HTMLInputElement; // whether the groups are shown behind the concepts
  bench: Bench;
}

/** A circuit that has something to show. */
export type Shown = Circuit & { graph: Drawing; root: SVGGElement };

/** What the details panel may ask for. */
export interface Actions {
  open: (id: string) => void;
  expand: (id: string) => void;
  isOpen: (id: string) => boolean;
  bench: (id: string) => HTMLElement | null;
}

export interface Example {
  name: string;
  kind: string;
  text: string;
  answer: string;
  foil: string;
  p: number;
  held: number;
  tests: number;
}

export interface Talk {
  thread: string;
  title: string;
  time: number;
}

export interface ShelfValue {
  gallery: Example[];
  talks: Talk[];
  thread: string;
  link: string | null;
  saves: boolean;
  login?: string | null;
  opened?: unknown;
}

export interface ShelfProps {
  value: Partial<ShelfValue> | null;
  made: {
    why?: string;
    note?: string;
    text?: string;
    mime?: string;
    name?: string;
    link?: string;
    opened?: unknown;
  } | null;
}
