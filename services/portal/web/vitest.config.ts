import { defineConfig, mergeConfig } from 'vitest/config'
import base from './vite.config.ts'

export default mergeConfig(
  base,
  defineConfig({
    test: {
      environment: 'jsdom',
      environmentOptions: { jsdom: { url: 'http://localhost:8000/' } },
      include: ['src/**/*.test.ts'],
      setupFiles: ['src/testing/setup.ts'],
      // Machines are slow and busy.
      testTimeout: 60_000,
      restoreMocks: true,
      unstubGlobals: true,
      // One document for all files: making one takes longer than the tests.
      pool: 'threads',
      isolate: false,
      maxWorkers: 1,
    },
  }),
)
