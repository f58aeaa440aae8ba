"""Every page of Identity, in the order of a visit: for `make screenshots` and for axe-core."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pyotp

from .conftest import COUNTY_ADMIN, Person, Site

CALLBACK = "https://jz.example.edu.cn/callback"
_PKCE = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"


async def tour(person: Person) -> AsyncIterator[tuple[str, str]]:
    """Go from page to page; give the short name and the Chinese name of each when it is on the screen."""
    page, site = person.page, person.site
    await person.visit("/nowhere")
    yield "not-found", "页面不存在"
    await person.visit("/help")
    yield "help", "帮助"
    await person.visit("/privacy")
    yield "privacy", "隐私政策"
    await person.visit("/terms")
    yield "terms", "使用条款"
    await person.visit("/register")
    yield "register", "注册：手机号"
    await page.get_by_label("手机号").fill("13812345678")
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")
    yield "register-name", "注册：姓名"
    await person.visit("/login/recover")
    yield "recover", "找回账号：手机号"
    await page.get_by_label("新手机号").fill("13912345678")
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")
    yield "recover-code", "找回账号：核对身份"
    await person.visit("/login/new-holder")
    yield "new-holder", "新机主注册：手机号"
    await page.get_by_label("手机号").fill("13612345678")
    await page.keyboard.press("Enter")
    await person.focused("短信验证码")
    yield "new-holder-name", "新机主注册：核验身份"
    await person.visit("/account")
    yield "login", "登录：手机号"
    await person.ask_for_code()
    yield "login-code", "登录：验证码"
    await page.get_by_label("短信验证码").fill("000000x")
    await page.keyboard.press("Enter")
    await page.get_by_role("alert").wait_for()
    yield "login-wrong", "登录：验证码不正确"
    await page.get_by_role("button", name="改用本机发送短信验证").click()
    await page.get_by_role("button", name="我已发送").wait_for()
    yield "login-text", "登录：用本机发送短信"
    async for shown in captchas(person):
        yield shown
    await person.visit("/login/passkey?return_to=/account")
    yield "login-passkey", "用通行密钥登录"
    site.clock.advance(timedelta(minutes=2))
    await person.sign_in()
    yield "account", "账号首页"
    await person.visit("/account/history")
    yield "history", "登录记录"
    await person.visit("/account/privacy")
    yield "own-privacy", "隐私与数据"
    await page.get_by_role("link", name="注销账号").click()
    await page.get_by_role("heading", name="要注销账号吗？").wait_for()
    yield "close", "注销账号"
    await person.visit("/account/privacy/withdraw")
    yield "withdraw", "撤回同意"
    await person.visit("/account/phone")
    yield "phone", "更换手机号"
    await page.get_by_label("新手机号").fill("13887658765")
    site.clock.advance(timedelta(minutes=2))
    await page.keyboard.press("Enter")
    await person.focused("原手机号收到的验证码")
    yield "phone-codes", "更换手机号：验证码"
    await person.visit("/account/phone")
    await page.get_by_label("新手机号").fill("13887658765")
    await page.get_by_role("button", name="改用手机发送短信验证").click()
    await page.get_by_role("button", name="我已发送").wait_for()
    yield "phone-text", "更换手机号：用手机发送短信"
    await person.visit("/account/real-name")
    yield "real-name", "实名核验"
    await person.visit("/account/units")
    await page.get_by_role("link", name="离开").click()
    await person.focused("离开的原因")
    yield "leave", "离开单位"
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
    yield "units", "我的单位：等待审批"
    async for shown in delegations(person):
        yield shown
    await person.visit("/account/security")
    yield "security", "登录方式"
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
    await person.visit("/account/sessions")
    yield "sessions", "登录设备"
    await person.visit("/integrations")
    yield "integrations", "接入系统"
    await page.get_by_label("系统名称").fill("山东省奖助学金系统")
    await page.get_by_label("回调地址").fill(CALLBACK)
    await page.get_by_role("button", name="登记").click()
    await page.locator("#secret").wait_for()
    yield "integration", "接入系统：登记后"
    found = re.search(r"CLIENT_ID=([\w-]+)", await page.content())
    assert found is not None
    ask = f"/authorize?response_type=code&client_id={found[1]}&redirect_uri={CALLBACK}&state=s&{_PKCE}"
    await person.visit(f"{ask}&scope=openid%20profile%20phone")
    yield "consent", "授权"
    await person.visit(f"{ask}&scope=openid&prompt=select_account")
    yield "choose", "选择账号"
    await person.visit(f"{ask}&scope=openid&prompt=login")
    yield "login-system", "登录：进入某系统"
    await person.visit("/login/step-up?return_to=/account/security")
    yield "step-up", "进一步验证身份"
    await person.visit("/device")
    yield "device", "登录设备：输入代码"
    await person.visit(f"/dev/sms?phone={COUNTY_ADMIN}")
    yield "sms-inbox", "短信收件箱（开发模式）"
    await person.visit("/authorize?client_id=x")
    yield "error", "无法登录"
    await new_terms(site)
    await person.visit("/account/history")
    await page.get_by_role("heading", name="文件已更新，请重新确认").wait_for()
    yield "agree", "同意新的文件"
    await person.visit("/end_session")
    yield "sign-out", "退出登录"
    await page.get_by_role("button", name="退出登录").click()
    await page.get_by_role("status").wait_for()
    yield "signed-out", "已退出"


async def delegations(person: Person) -> AsyncIterator[tuple[str, str]]:
    """Delegate a role to a colleague, and be asked before ending it."""
    page = person.page
    await person.visit("/account/delegations/new")
    yield "delegate-find", "委托代办：选择同事"
    await page.get_by_role("link", name="委托").last.click()
    await page.get_by_label("委托的原因").fill("出差期间代办")
    await page.get_by_label("签发人").check()
    yield "delegate", "委托代办：角色和日期"
    await page.get_by_role("button", name="委托", exact=True).click()
    await page.get_by_text("有效", exact=True).wait_for()
    yield "delegations", "委托代办"
    await page.get_by_role("link", name="终止对").click()
    await page.get_by_role("heading", name="要终止对").wait_for()
    yield "delegation-end", "终止委托"


async def captchas(person: Person) -> AsyncIterator[tuple[str, str]]:
    """Ask for a code for a number whose day is half spent."""
    page, state = person.page, person.site.app.state
    before = state.settings
    state.settings = before.model_copy(update={"sms_budget_per_number": 2})
    for _ in range(2):
        await person.visit("/account")
        await page.get_by_label("手机号").fill("13712345678")
        await page.keyboard.press("Enter")
        await page.get_by_label("短信验证码").or_(page.get_by_label("图片中的字符")).wait_for()
        person.site.clock.advance(timedelta(minutes=1))
    yield "login-captcha", "登录：验证图片"
    await page.get_by_role("button", name="看不到图片，改答文字题").click()
    await page.get_by_label("验证问题").wait_for()
    yield "login-question", "登录：验证问题"
    state.settings = before


async def new_terms(site: Site) -> None:
    """The operator starts the service with a new version of the terms."""
    from contracts.vocabulary import PolicyKind
    from identity.policies.dependencies import publish
    from identity.policies.rules import Document

    text = "# 使用条款\n\n新的条款。\n"
    site.app.state.policies[PolicyKind.TERMS] = Document(PolicyKind.TERMS, "2.0", text)
    await publish(site.app.state.database, site.clock, site.app.state.policies)
