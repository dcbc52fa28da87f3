export { createPaint, wantsColour } from "./colour.ts";
export type { Colour, Environment, Paint } from "./colour.ts";
export * from "./counts.ts";
export { escapeForTerminal } from "./escape.ts";
export * from "./event.ts";
export { createRenderer } from "./renderer.ts";
export type { Renderer, RendererMode, RendererOptions } from "./renderer.ts";
export type { RendererStream } from "./sink.ts";
export { displayWidth, shorten } from "./width.ts";
