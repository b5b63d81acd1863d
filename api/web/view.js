/** The one module that imports the view library; all others import from here. */
// @ts-expect-error: the file has no types of its own
import * as library from "./node_modules/htm/preact/standalone.module.js";

/** @type {typeof import("htm/preact")} */
const { html, render, useEffect, useErrorBoundary, useLayoutEffect, useMemo, useRef, useState } = library;
export { html, render, useEffect, useErrorBoundary, useLayoutEffect, useMemo, useRef, useState };
