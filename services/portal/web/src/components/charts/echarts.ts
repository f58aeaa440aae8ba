/** The parts of ECharts that are used. Loaded after the first paint of a page, by `BaseChart` and nobody else. */
import { BarChart, LineChart, PieChart } from 'echarts/charts'
import { GeoComponent, GridComponent, TooltipComponent } from 'echarts/components'
import { getMap, init, registerMap, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'

use([BarChart, LineChart, PieChart, GeoComponent, GridComponent, TooltipComponent, CanvasRenderer])

export { getMap, init, registerMap }
