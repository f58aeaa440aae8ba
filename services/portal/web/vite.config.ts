import { fileURLToPath, URL } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

// Older versions fail in the middle of something, and do not say why.
const OLDEST = 24
if (Number(process.versions.node.split('.')[0]) < OLDEST) {
  throw new Error(`Node.js ${OLDEST} or newer is needed, and this is ${process.version}. "make web", "make web-dev" and "make lint-web" use their own.`)
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
/** Where `make run` serves the portal's API, to which `make web-dev` passes calls on. */
const portal = process.env.ZHUXUE_PORTAL_ADDRESS ?? 'http://localhost:8000'

export default defineConfig({
  plugins: [vue()],
  resolve: {
    alias: {
      '@': here('./src'),
      // The tokens and the mark that Identity's pages have, too.
      '@design': here('../../../libs/servicekit/src/servicekit/design'),
    },
  },
  build: {
    target: 'es2022',
    // Files in `assets/` have a digest in their names and never change; others are asked for each time.
    assetsDir: 'assets',
    // A data: address would need a wider Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    // The byte budget is a test (tests/portal), measured over the network and compressed.
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1200,
    // ECharts in parts that come at the same time, and stay in a browser over versions of the pages.
    rolldownOptions: {
      output: {
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [
            { name: 'zrender', test: /node_modules[\\/](zrender|tslib)/ },
            { name: 'echarts-parts', test: /node_modules[\\/]echarts[\\/]lib[\\/](chart|component)[\\/](?!helper)/ },
            { name: 'echarts', test: /node_modules[\\/]echarts/ },
          ],
        },
      },
    },
  },
  server: {
    port: 5173,
    strictPort: true,
    fs: { allow: [here('.'), here('../../../libs/servicekit/src/servicekit/design')] },
    // The cookie and the check of origins belong to the portal's own address: see docs/portal.md.
    proxy: Object.fromEntries(
      ['/api', '/bff', '/demo', '/design'].map((path) => [path, { target: portal, changeOrigin: true, headers: { origin: portal } }]),
    ),
  },
})
