/** Files that were fetched with the header that a link cannot send. */
const MINUTE = 60_000

function follow(address: string, prepare: (link: HTMLAnchorElement) => void): void {
  const link = document.createElement('a')
  link.href = address
  prepare(link)
  link.click()
  window.setTimeout(() => URL.revokeObjectURL(address), MINUTE)
}

/** Opens a file in a window of its own. */
export async function showFile(file: Promise<Blob>): Promise<void> {
  follow(URL.createObjectURL(await file), (link) => {
    link.target = '_blank'
    link.rel = 'noopener'
  })
}

export async function saveFile(file: Promise<Blob>, name: string): Promise<void> {
  follow(URL.createObjectURL(await file), (link) => (link.download = name))
}
