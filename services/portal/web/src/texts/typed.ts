/** Small conversions between what people type and what the services take. */

/** Parts of a text that people separate by commas or blanks of any kind. */
export const split = (text: string): string[] => text.split(/[、，,；;\s]+/).map((one) => one.trim()).filter(Boolean)

/** Lines that are not empty. */
export const lines = (text: string): string[] => text.split('\n').map((one) => one.trim()).filter(Boolean)
