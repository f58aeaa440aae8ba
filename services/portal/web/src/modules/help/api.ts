import { office, take, taken, type Office } from '@/api/client'

export type ArticleLine = Office['schemas']['ArticleLine']
export type Article = Office['schemas']['ArticleOut']
export type ArticleIn = Office['schemas']['ArticleIn']
export type Version = Office['schemas']['ArticleVersionOut']

export const listArticles = (q: string, category: string, cursor?: string) =>
  take(office.GET('/help-articles', { params: { query: { q: q.trim() || undefined, category: category || undefined, limit: 100, cursor } } }))

const path = (id: string) => ({ path: { article_id: id } })
const seen = (version: number) => ({ header: { 'If-Match': `"${version}"` } })
export const getArticle = (id: string) => take(office.GET('/help-articles/{article_id}', { params: path(id) }))
export const createArticle = (body: ArticleIn) => take(office.POST('/help-articles', { body }))
export const changeArticle = (id: string, version: number, body: ArticleIn) => take(office.PUT('/help-articles/{article_id}', { params: { ...path(id), ...seen(version) }, body }))
export const retireArticle = (id: string) => taken(office.DELETE('/help-articles/{article_id}', { params: path(id) }))
export const listVersions = async (id: string) => (await take(office.GET('/help-articles/{article_id}/versions', { params: path(id) }))).items
