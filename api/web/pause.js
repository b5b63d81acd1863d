/** A wait that can be ended from outside. */
export function interruptible() {
  let end = () => {};
  return {
    end: () => end(),
    /** @param {number | null} ms null: until `end` is called @returns {Promise<void>} */
    wait(ms) {
      return new Promise((resolve) => {
        const timer = ms === null ? undefined : setTimeout(resolve, ms);
        end = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
}
