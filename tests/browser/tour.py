"""Every page of Identity and of the start page, in the order of a visit: for `make screenshots` and axe-core.

`test_pages.py` compares it with the templates and operations that there are.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pyotp

from services.identity.tests.support.phones import sought
from testkit.pages import hidden_fields

from . import api
from .conftest import COUNTY_ADMIN, Person, Site
from .start_page import ready, start_page

Shown = AsyncIterator[tuple[str, str]]
CALLBACK = "https://jz.example.edu.cn/callback"
NEWCOMER = "13812345678"
NEW_NUMBER = "13887658765"
ID_NUMBER = "11010519491231002X"
_PKCE = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"


async def tour(person: Person) -> Shown:
    """Go from page to page; give the short name and the Chinese name of each when it is on the screen."""
    newcomer = replace(person, phone=NEWCOMER)
    for stage in (
        visitor(person),
        lost(person),
        joining(newcomer),
        member(newcomer),
        platform(replace(person, phone="13911110001")),
        signing_in(person),
        account(person),
        units(person),
        delegations(person),
        developers(person),
        means(person),
        systems(person),
        leaving(person),
    ):
        async for shown in stage:
            yield shown


async def next_minute(site: Site) -> None:
    """Another code may be asked for; no more calls of the REST API, whose tokens are checked by real time."""
    site.clock.advance(timedelta(minutes=2))


async def visitor(person: Person) -> Shown:
    """What anybody can read, and registering."""
    page, site = person.page, person.site
    await person.visit("/nowhere")
    yield "not-found", "页面不存在"
    await person.visit("/help")
    yield "help", "帮助"
    await person.visit("/privacy")
    yield "privacy", "隐私政策"
    await person.visit("/privacy/id-number")
    yield "id-number", "公民身份号码处理告知书"
    await person.visit("/terms")
    yield "terms", "使用条款"
    await person.visit("/login/register")
    yield "register", "注册：手机号"
    await page.get_by_label("手机号").fill("13712345678")
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")
    yield "register-name", "注册：姓名"
    settings = site.app.state.settings
    budget, settings.sms_budget_per_address = settings.sms_budget_per_address, 2
    await page.get_by_role("link", name="换用其他手机号").click()
    await page.get_by_label("手机号").fill("13512345678")
    await page.keyboard.press("Enter")
    await page.locator("[name=captcha]").wait_for(state="attached")
    yield "captcha", "获取验证码：验证图片"
    await page.get_by_role("button", name="看不到图片，改答文字题").click()
    await page.get_by_label("验证问题").wait_for()
    yield "captcha-question", "获取验证码：验证问题"
    settings.sms_budget_per_address = budget
    await person.visit("/login/new-holder")
    yield "new-holder", "新机主注册：手机号"
    await page.get_by_label("手机号").fill("13612345678")
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")
    yield "new-holder-name", "新机主注册：核验身份"


async def lost(person: Person) -> Shown:
    """Somebody asks for an account; its holder refuses."""
    page, site, found = person.page, person.site, "13912345678"
    await person.visit("/login/recover")
    yield "recover", "找回账号：手机号"
    await page.get_by_label("新手机号").fill(found)
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")
    yield "recover-code", "找回账号：核对身份"
    await page.get_by_label("短信验证码").fill(await site.last_code(found))
    await page.get_by_label("姓名").fill(api.named(COUNTY_ADMIN))
    await page.get_by_label("公民身份号码").fill(ID_NUMBER)
    await page.get_by_label("原手机号").fill(COUNTY_ADMIN)
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="申请已收到").wait_for()
    yield "recovery-asked", "找回账号：申请已收到"
    await sought(site.app)
    await person.visit("/login/cancel-change")
    yield "cancel-change", "取消更换手机号：手机号"
    await page.get_by_label("原手机号").fill(COUNTY_ADMIN)
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")
    yield "cancel-change-code", "取消更换手机号：验证码"
    await page.get_by_label("短信验证码").fill(await site.last_code(COUNTY_ADMIN))
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="已取消更换手机号").wait_for()
    yield "change-cancelled", "已取消更换手机号"


async def joining(person: Person) -> Shown:
    """Somebody registers and joins with an invite."""
    page, site = person.page, person.site
    link = await api.invite(site)
    await person.visit(link)
    await page.get_by_role("link", name="注册账号").click()
    await page.get_by_label("手机号").fill(NEWCOMER)
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")
    await page.get_by_label("短信验证码").fill(await site.last_code(NEWCOMER))
    await page.get_by_label("姓名").fill("王小明")
    await page.get_by_label("我已阅读并同意").check()
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="加入历下区学生资助管理中心").wait_for()
    yield "invited", "加入单位：受邀"
    await person.visit("/account")
    yield "account-new", "账号首页：尚未加入单位"
    await person.visit("/integrations")
    yield "integrations-refused", "接入系统：不是单位管理员"
    await person.visit("/account/delegations/new")
    yield "delegate-unit-none", "委托代办：尚未加入单位"
    await person.visit(link)
    await page.get_by_role("button", name="提交申请").click()
    await page.get_by_text("待审批", exact=True).wait_for()
    yield "units-waiting", "我的单位：等待审批"
    await person.visit(link)
    await page.get_by_role("heading", name="您的申请正在等待审批").wait_for()
    yield "pending", "加入单位：已申请"
    await api.approve(site)
    await page.get_by_role("link", name="查看进度").click()
    await page.get_by_text("已通过", exact=True).wait_for()
    yield "units-approved", "我的单位：已通过"
    await person.visit(link)
    await page.get_by_role("heading", name="您已加入历下区学生资助管理中心").wait_for()
    yield "invited-member", "加入单位：已加入"


async def member(person: Person) -> Shown:
    """They correct their name, verify it, change their number, and leave."""
    page, site = person.page, person.site
    await person.visit("/account/name")
    yield "name", "更正姓名"
    await person.visit("/account/real-name")
    yield "real-name", "实名核验"
    await page.get_by_label("公民身份号码").first.fill(ID_NUMBER)
    await page.get_by_role("checkbox").check()
    await page.get_by_role("button", name="核验").click()
    await page.get_by_text("已完成实名核验。").wait_for()
    yield "real-name-done", "实名核验：已完成"
    await person.visit("/account/units")
    await page.get_by_role("link", name="离开").click()
    await person.focused("离开的原因")
    yield "leave", "离开单位"
    await page.get_by_label("离开的原因").fill("调离资助工作岗位")
    await page.keyboard.press("Enter")
    await page.get_by_text("正在交接未办结的工作").wait_for()
    yield "leaving", "我的单位：正在交接"
    await person.visit("/account/phone/without-old")
    yield "phone-without-old", "更换手机号：原号已不能使用"
    await person.visit("/account/phone")
    yield "phone", "更换手机号"
    await page.get_by_label("新手机号").fill(NEW_NUMBER)
    await page.get_by_role("button", name="改用手机发送短信验证").click()
    await person.stop_updating()
    yield "phone-text", "更换手机号：用手机发送短信"
    await person.visit("/account/phone")
    await page.get_by_label("新手机号").fill(NEW_NUMBER)
    await page.keyboard.press("Enter")
    await person.focused("原手机号收到的验证码")
    yield "phone-codes", "更换手机号：验证码"
    await page.get_by_label("原手机号收到的验证码").fill(await site.last_code(NEWCOMER))
    await page.get_by_label("新手机号收到的验证码").fill(await site.last_code(NEW_NUMBER))
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="手机号已更换").wait_for()
    yield "phone-changed", "手机号已更换"


async def platform(person: Person) -> Shown:
    """An administrator of the platform, who belongs to no unit and has no second factor yet."""
    await api.appoint(person.site, person.phone, "秦安平")
    await person.page.context.clear_cookies()
    await person.sign_in()
    yield "account-platform", "账号首页：平台管理员"
    await person.visit("/integrations")
    yield "integrations-platform", "接入系统：平台管理员"
    await person.page.context.clear_cookies()


async def signing_in(person: Person) -> Shown:
    """The steps of signing in."""
    page = person.page
    await person.visit("/account")
    yield "login", "登录：手机号"
    await person.ask_for_code()
    yield "login-code", "登录：验证码"
    await page.get_by_label("短信验证码").fill("000000x")
    await page.keyboard.press("Enter")
    await page.get_by_role("alert").wait_for()
    yield "login-wrong", "登录：验证码不正确"
    await page.get_by_role("button", name="改用手机发送短信验证").click()
    await person.stop_updating()
    yield "login-text", "登录：用手机发送短信"
    await person.visit("/login/passkey?return_to=/account")
    yield "login-passkey", "用通行密钥登录"
    await person.sign_in()


async def account(person: Person) -> Shown:
    """One's account."""
    page, site = person.page, person.site
    await person.visit("/account")
    yield "account", "账号首页"
    await person.visit("/account/history")
    yield "history", "登录记录"
    await person.visit("/account/privacy")
    yield "own-privacy", "隐私与数据"
    await page.get_by_role("link", name="注销账号").click()
    await page.get_by_role("heading", name="要注销账号吗？").wait_for()
    yield "close", "注销账号"
    await person.visit("/account/sessions")
    yield "sessions", "登录设备"
    async with api.administrator(site):
        await person.visit("/account/sessions/end-others")
        yield "end-others", "结束其他登录"
        await page.get_by_role("button", name="结束其他登录").click()
        await page.get_by_text("已结束其他登录。").wait_for()
        yield "sessions-ended", "登录设备：已结束其他登录"


async def units(person: Person) -> Shown:
    """Joining a second unit by choosing it."""
    page, site = person.page, person.site
    await person.visit("/join")
    yield "join", "加入单位"
    await person.visit("/join/units")
    await page.get_by_role("link", name="全国学生资助管理中心", exact=True).click()
    await page.get_by_role("link", name="山东省学生资助管理中心", exact=True).click()
    await page.get_by_role("link", name="申请加入济南市学生资助管理中心").wait_for()
    yield "choose-unit", "选择单位"
    await page.get_by_role("link", name="申请加入济南市学生资助管理中心").click()
    await page.get_by_label("给审批人的说明").wait_for()
    yield "join-unit", "申请加入单位"
    await page.keyboard.press("Tab")
    await page.get_by_role("button", name="提交申请").click()
    await page.get_by_text("待审批", exact=True).wait_for()
    await api.approve(site, api.administrator_of("370100"))
    await person.visit("/account/units")
    yield "units", "我的单位：两个单位"


async def delegations(person: Person) -> Shown:
    """Delegate a role to a colleague, and be asked before ending it."""
    page = person.page
    await person.visit("/account/delegations/new")
    yield "delegate-unit", "委托代办：选择单位"
    await page.get_by_role("link", name="选择历下区").click()
    await page.get_by_label("按姓名查找同事").wait_for()
    yield "delegate-find", "委托代办：选择同事"
    await page.locator(".rows a.button").last.click()
    await page.get_by_label("委托的原因").fill("出差期间代办")
    await page.get_by_label("签发人").check()
    yield "delegate", "委托代办：角色和日期"
    await page.get_by_role("button", name="委托", exact=True).click()
    await page.get_by_text("有效", exact=True).wait_for()
    yield "delegations", "委托代办"
    await page.get_by_role("link", name="终止对").click()
    await page.get_by_role("heading", name="要终止对").wait_for()
    yield "delegation-end", "终止委托"


async def means(person: Person) -> Shown:
    """Means of signing in."""
    page, site = person.page, person.site
    await next_minute(site)
    await person.sign_in("/account/security")
    yield "security", "登录方式"
    await person.visit("/account/security/passkeys")
    yield "passkey-new", "添加通行密钥"
    await person.visit("/account/security/password")
    yield "password", "设置密码"
    await person.visit("/account/security/totp")
    yield "totp", "设置动态口令"
    secret = (await page.locator("#secret").inner_text()).strip()
    code = pyotp.TOTP(secret).at(site.clock.now())
    await page.get_by_label("动态口令").fill(code)
    await page.keyboard.press("Enter")
    await page.locator("#codes").wait_for()
    yield "recovery-codes", "恢复码"
    await person.visit("/account/security")
    await page.get_by_role("button", name="移除动态口令").click()
    await page.get_by_role("heading", name="要移除动态口令吗？").wait_for()
    yield "remove", "移除登录方式"
    await person.visit("/login/step-up?return_to=/account/security")
    yield "step-up", "进一步验证身份"


async def systems(person: Person) -> Shown:
    """Systems that sign people in here, and devices."""
    page, site = person.page, person.site
    await person.visit("/integrations")
    yield "integrations", "接入系统"
    await page.get_by_label("系统名称").fill("山东省奖助学金系统")
    await page.get_by_label("回调地址").fill(CALLBACK)
    await page.get_by_role("button", name="登记").click()
    await page.locator("#secret").wait_for()
    yield "integration", "接入系统：登记后"
    found = re.search(r"CLIENT_ID=([\w-]+)", await page.content())
    assert found is not None
    await person.visit(f"/integrations/{found[1]}")
    await page.get_by_text("修改登记信息").click()
    yield "integration-change", "接入系统：修改登记信息"
    ask = f"/authorize?response_type=code&client_id={found[1]}&redirect_uri={CALLBACK}&state=s&{_PKCE}"
    await person.visit(f"{ask}&scope=openid%20profile%20phone")
    yield "consent", "授权"
    # Not by the button: nobody is there where it finally leads.
    agreed: dict[str, str | float | bool] = {**hidden_fields(await page.content()), "decision": "allow"}
    await page.request.post(f"{site.url}/authorize/decision", form=agreed, max_redirects=0)
    await person.visit("/account/authorisations")
    yield "authorisations", "系统授权"
    # The browser stays where it is.
    await page.route(CALLBACK, lambda route: route.fulfill(status=204))
    async with page.expect_request(CALLBACK):
        address = f"{ask}&scope=openid%20profile%20phone&response_mode=form_post"
        await page.goto(site.url + address, wait_until="commit")
    yield "form-post", "正在返回原系统"
    await person.visit(f"{ask}&scope=openid&prompt=select_account")
    yield "choose", "选择账号"
    await person.visit(f"{ask}&scope=openid&prompt=login")
    yield "login-system", "登录：进入某系统"
    await person.visit("/device")
    yield "device", "大屏登录：输入代码"
    await page.get_by_label("设备代码").fill(await api.device_code(site))
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="拒绝").wait_for()
    yield "device-confirm", "大屏登录：确认"
    await page.get_by_role("button", name="同意", exact=True).click()
    await page.get_by_role("heading", name="设备已获授权").wait_for()
    yield "device-done", "大屏登录：已授权"
    await person.visit(f"/integrations/{found[1]}")
    await page.get_by_text("停用或删除").click()
    await page.get_by_label("停用原因").fill("系统下线")
    await page.get_by_role("button", name="停用", exact=True).click()
    await page.get_by_role("alert").wait_for()
    yield "integration-disabled", "接入系统：已停用"
    await person.visit("/authorize?client_id=x")
    yield "error", "无法登录"
    await person.visit("/login?return_to=https://elsewhere.example")
    yield "error-return", "登录请求不正确"


async def developers(person: Person) -> Shown:
    """The pages of `make run`."""
    page, site = person.page, person.site
    await person.visit(f"/dev/sms?phone={COUNTY_ADMIN}&still=true")
    yield "sms-inbox", "短信收件箱（开发模式）"
    async with start_page(site) as (url, status):
        await page.goto(f"{url}/demo/")
        yield "starting", "起始页：正在启动"
        ready(status)
        # By itself.
        await page.get_by_role("heading", name="学生资助办公系统").wait_for()
        yield "start", "起始页"
        await page.goto(f"{url}/demo/sign-in?account=nobody")
        yield "start-problem", "起始页：无法登录"
        await page.goto(f"{url}/demo/sign-in")
        await page.wait_for_url(f"{url}/demo/me")
        yield "start-signed-in", "起始页：已登录"
        await page.get_by_role("button", name="退出登录").click()
        await page.get_by_text("您已退出登录。").wait_for()
        assert urlsplit(page.url).path == "/demo/signed-out"
        yield "start-signed-out", "起始页：已退出"


async def leaving(person: Person) -> Shown:
    """New terms, signing out, and withdrawing one's agreement."""
    page, site = person.page, person.site
    await new_terms(site)
    await person.visit("/account/history")
    await page.get_by_role("heading", name="文件已更新，请重新确认").wait_for()
    yield "agree", "同意新的文件"
    await person.visit("/end_session")
    yield "sign-out", "退出登录"
    await page.get_by_role("button", name="退出登录").last.click()
    await page.get_by_role("status").wait_for()
    yield "signed-out", "已退出"
    await next_minute(site)
    await person.ask_for_code()
    await page.get_by_label("短信验证码").fill(await site.last_code(person.phone))
    await page.keyboard.press("Enter")
    await page.get_by_role("checkbox").check()
    await page.get_by_role("button", name="同意并继续").click()
    await person.visit("/account/privacy/withdraw")
    yield "withdraw", "撤回同意"
    await page.get_by_role("button", name="撤回同意").click()
    await page.get_by_role("heading", name="已撤回同意").wait_for()
    yield "withdrawn", "已撤回同意"


async def new_terms(site: Site) -> None:
    """The operator starts the service with a new version of the terms."""
    from contracts.vocabulary import PolicyKind
    from identity.policies.dependencies import publish
    from identity.policies.rules import Document

    text = "# 使用条款\n\n新的条款。\n"
    site.app.state.policies[PolicyKind.TERMS] = Document(PolicyKind.TERMS, "2.0", text)
    await publish(site.app.state.database, site.clock, site.app.state.policies)
