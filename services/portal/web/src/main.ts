import '@design/tokens.css'
import '@design/pages.css'
import './styles/portal.css'
import './styles/search.css'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './shell/App.vue'
import { createPortalRouter } from './shell/router'

createApp(App).use(createPinia()).use(createPortalRouter()).mount('#app')
