/** The view of each screen of router.js. Each gets `id` (null when its address has none) and `query`. */
import { Batch } from "./screens/batch.js";
import { Batches } from "./screens/batches.js";
import { DeadLetters } from "./screens/dead_letters.js";
import { Drift } from "./screens/drift.js";
import { Home } from "./screens/home.js";
import { Job } from "./screens/job.js";
import { Jobs } from "./screens/jobs.js";
import { Model } from "./screens/model.js";
import { Models } from "./screens/models.js";
import { Prediction } from "./screens/prediction.js";
import { Review } from "./screens/review.js";
import { Try } from "./screens/try.js";

/** @type {Record<string, (props: any) => any>} */
export const SCREENS = {
  home: Home,
  review: Review,
  batches: Batches,
  batch: Batch,
  prediction: Prediction,
  models: Models,
  model: Model,
  jobs: Jobs,
  job: Job,
  drift: Drift,
  dead_letters: DeadLetters,
  try: Try,
};
