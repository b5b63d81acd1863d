/** The one place that knows the view library; everything else imports from here. */
export {
  html,
  render,
  useEffect,
  useErrorBoundary,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "./node_modules/htm/preact/standalone.module.js";
