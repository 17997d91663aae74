/** Types of outside.mjs. */
export declare const OUTSIDE: readonly string[];
