/** A wait that can be ended from outside. */
export function interruptible() {
  let end = () => {};
  return {
    end: () => end(),
    /** @param {number | null} ms null: until it is ended */
    wait(ms) {
      return new Promise((resolve) => {
        const timer = ms === null ? null : setTimeout(resolve, ms);
        end = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
}
