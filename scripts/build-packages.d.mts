/** Types of build-packages.mjs, which is plain JavaScript because it runs before anything is built. */
export const BUILD_PACKAGES: readonly string[];
