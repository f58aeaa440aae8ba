import vue from 'eslint-plugin-vue'
import a11y from 'eslint-plugin-vuejs-accessibility'
import { defineConfigWithVueTs, vueTsConfigs } from '@vue/eslint-config-typescript'

export default defineConfigWithVueTs(
  { ignores: ['dist', 'dist.*', 'node_modules', 'src/api/generated'] },
  vue.configs['flat/recommended'],
  ...a11y.configs['flat/recommended'],
  vueTsConfigs.strict,
  vueTsConfigs.stylistic,
  {
    rules: {
      'max-lines': ['error', 400],
      eqeqeq: 'error',
      'no-console': 'error',
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/multi-word-component-names': 'off',
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': ['error', { html: { void: 'always', normal: 'never', component: 'always' } }],
      'vue/multiline-html-element-content-newline': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/first-attribute-linebreak': 'off',
      'vue/html-indent': 'off',
      'vue/attributes-order': 'off',
      'vue/require-default-prop': 'off',
      // The only place is components/RichText.vue, which says why.
      'vue/no-v-html': 'error',
      // A label around its field names it as well as one that points to it.
      'vuejs-accessibility/label-has-for': 'off',
      'vuejs-accessibility/form-control-has-label': 'off',
    },
  },
  {
    // The focus roves (ARIA Authoring Practices), and the keys are handled at the tree and the toolbar; Escape closes the
    // popover. Files are dropped where there is a button, too.
    files: ['SearchBox', 'UnitTree', 'UnitTreePicker', 'RichTextEditor', 'FileUploader'].map((name) => `src/components/${name}.vue`),
    rules: {
      'vuejs-accessibility/interactive-supports-focus': 'off',
      'vuejs-accessibility/click-events-have-key-events': 'off',
      'vuejs-accessibility/no-static-element-interactions': 'off',
    },
  },
  {
    // A module is used by others through its `texts.ts` and `routes.ts` only; what two need is in `components`.
    files: ['src/modules/**'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ regex: '^@/modules/[^/]+/(api|logic|pages|components)', message: 'Move it to src/components or src/api.' }] }],
    },
  },
)
