/** A fill with slanted lines, for areas that are told from others not by colour alone. */
const SIDE = 8

export interface Hatch {
  image: HTMLCanvasElement
  repeat: 'repeat'
}

export function hatch(color: string, line: string): Hatch {
  const image = document.createElement('canvas')
  image.width = image.height = SIDE
  const drawing = image.getContext('2d')
  if (drawing) {
    drawing.fillStyle = color
    drawing.fillRect(0, 0, SIDE, SIDE)
    drawing.strokeStyle = line
    drawing.lineWidth = 1.5
    // The corners, too, so that the lines go on from one square to the next.
    for (const from of [-SIDE, 0, SIDE]) {
      drawing.moveTo(from, SIDE)
      drawing.lineTo(from + SIDE, 0)
    }
    drawing.stroke()
  }
  return { image, repeat: 'repeat' }
}
