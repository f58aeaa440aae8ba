/** The equal-area conic projection of Albers with the parallels of maps of China (25° and 47° N, 105° E). Pure. */
const RADIANS = Math.PI / 180
const SCALE = 1000
const FIRST = Math.sin(25 * RADIANS)
const N = (FIRST + Math.sin(47 * RADIANS)) / 2
const C = Math.cos(25 * RADIANS) ** 2 + 2 * N * FIRST
const MERIDIAN = 105
const ORIGIN = Math.sqrt(C) / N

/** Longitude and latitude in degrees to a point of the drawing, whose y grows downwards. */
export function project([longitude = 0, latitude = 0]: readonly number[]): [number, number] {
  const rho = Math.sqrt(C - 2 * N * Math.sin(latitude * RADIANS)) / N
  const theta = N * (longitude - MERIDIAN) * RADIANS
  return [SCALE * rho * Math.sin(theta), SCALE * (rho * Math.cos(theta) - ORIGIN)]
}

export function unproject([x = 0, y = 0]: readonly number[]): [number, number] {
  const right = x / SCALE
  const down = y / SCALE + ORIGIN
  const rho = Math.hypot(right, down)
  const theta = Math.atan2(right, down)
  return [MERIDIAN + theta / N / RADIANS, Math.asin((C - (rho * N) ** 2) / (2 * N)) / RADIANS]
}
