//! People of many kinds: phones as they name themselves, in the browsers and apps in which links are tapped. The promise
//! is that fewer than one in a thousand is taken for a program.

use super::*;

const PHONES: &str = include_str!("../../tests/phones.txt");

const WEB: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";
/// What stands behind the phone's name, by app.
const ANDROID: [&str; 22] = [
    "Chrome/124.0.0.0 Mobile Safari/537.36",
    "Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 XWEB/1160117 MMWEBSDK/20240301 MMWEBID/4813 MicroMessenger/8.0.48.2580(0x28003036) WeChat/arm64 Weixin NetType/WIFI Language/zh_CN ABI/arm64",
    "Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.49.2600(0x28003133) WeChat/arm64 Weixin NetType/5G Language/zh_CN ABI/arm64 MiniProgramEnv/android",
    "Version/4.0 Chrome/109.0.5414.86 MQQBrowser/6.2 TBS/046811 Mobile Safari/537.36 V1_AND_SQ_8.9.80_5238_YYB_D QQ/8.9.80.12440 NetType/4G WebP/0.3.0",
    "Version/4.0 Chrome/100.0.4896.58 Quark/6.9.5.490 Mobile Safari/537.36",
    "Version/4.0 Chrome/100.0.4896.58 UCBrowser/16.4.0.1285 Mobile Safari/537.36",
    "Version/4.0 Chrome/112.0.5615.136 Mobile Safari/537.36 XiaoMi/MiuiBrowser/18.7.40223",
    "Chrome/114.0.5735.196 HuaweiBrowser/14.0.5.302 Mobile Safari/537.36",
    "Version/4.0 Chrome/115.0.5790.166 Mobile Safari/537.36 VivoBrowser/20.5.10.0",
    "Version/4.0 Chrome/115.0.5790.168 Mobile Safari/537.36 HeyTapBrowser/45.10.4.1.1",
    "SamsungBrowser/24.0 Chrome/117.0.0.0 Mobile Safari/537.36",
    "Version/4.0 Chrome/109.0.5414.118 MQQBrowser/14.9 Mobile Safari/537.36 COVC/046915",
    "Version/4.0 Chrome/100.0.4896.58 Mobile Safari/537.36 UCBS/3.22.2.58 NebulaSDK/1.8.100112 Nebula AlipayDefined(nt:WIFI,ws:393|0|2.75) AliApp(AP/10.5.80.8000) AlipayClient/10.5.80.8000 Language/zh-Hans",
    "Version/4.0 Chrome/100.0.4896.58 Mobile Safari/537.36 AliApp(TB/10.32.10) TTID/600000@taobao_android_10.32.10 Windvane/8.5.0 1080X2290",
    "Version/4.0 Chrome/114.0.5735.196 Mobile Safari/537.36 aweme_290100 JsSdk/1.0 NetType/WIFI Channel/xiaomi AppName/aweme app_version/29.1.0 ByteLocale/zh-CN Region/CN BytedanceWebview/d8a21c6",
    "Version/4.0 Chrome/90.0.4430.226 KsWebView/1.8.90.754 (rel;r) Mobile Safari/537.36 Yoda/3.1.3 NetType/WIFI Kwai/12.1.30.35611 StatusHT/36 TitleHT/44",
    "Version/4.0 Chrome/114.0.5735.196 Mobile Safari/537.36 xiaohongshu/8.28 XhsApp",
    "Version/4.0 Chrome/114.0.5735.196 Mobile Safari/537.36 Weibo (vivo-V2148A__weibo__14.3.2__android__android13)",
    "Version/4.0 Chrome/97.0.4692.98 Mobile Safari/537.36 T7/13.54 SP-engine/2.89.0 baiduboxapp/13.54.0.11 (Baidu; P1 13) NABar/1.0",
    "Version/4.0 Chrome/89.0.4389.72 MQQBrowser/6.2 TBS/046291 Mobile Safari/537.36;jdapp;android;12.4.0;;;appBuild/99137;ef/1",
    "Version/4.0 Chrome/102.0.5005.125 Mobile Safari/537.36  phh_android_version/6.87.0 pversion/0 pinduoduo",
    "Version/4.0 Chrome/115.0.5790.171 Mobile Safari/537.36 Instagram 321.0.0.39.106 Android (33/13; 480dpi; 1080x2290)",
];
const APPLE: [&str; 12] = [
    "Version/17.4 Mobile/15E148 Safari/604.1",
    "Mobile/15E148 MicroMessenger/8.0.47(0x18002f2c) NetType/4G Language/zh_CN",
    "Mobile/15E148 QQ/9.0.20.618 V1_IPH_SQ_9.0.20_1_APP_A Pixel/1170 MiniAppEnable SimpleUISwitch/0 NetType/5G QBWebViewType/1",
    "Mobile/15E148 ChannelId(3) NebulaSDK/1.8.112023 Nebula PSDType(1) AlipayDefined(nt:4G,ws:390|780|3.0) AliApp(AP/10.5.86.6000) AlipayClient/10.5.86.6000 Language/zh-Hans",
    "Mobile/15E148 AliApp(TB/10.31.10) WindVane/8.7.2 UT4Aplus/0.0.6 1170x2532 WK",
    "Mobile/15E148 aweme_29.2.0 Region/CN AppTheme/light NetType/WIFI JsSdk/2.0 Channel/App ByteLocale/zh",
    "Mobile/15E148 Kwai/12.3.20.1234 ISLP/0 StatusHT/47 KDT/PHONE iosSCH/0 TitleHT/44 NetType/WIFI ISDM/0",
    "Mobile/15E148 discover/8.30 XHS/discover NetType/WIFI",
    "Version/16.0 MQQBrowser/15.0.5 Mobile/15E148 Safari/604.1 QBWebViewUA/2 QBWebViewType/1 WKType/1",
    "CriOS/123.0.6312.52 Mobile/15E148 Safari/604.1",
    "GSA/310.0.618931389 Mobile/15E148 Safari/604.1",
    "Mobile/15E148 Weibo (iPhone15,2__weibo__14.3.1__iphone__os17.4)",
];

#[test]
fn fewer_than_one_person_in_a_thousand_is_taken_for_a_program() {
    let agents = Agents::load(None).unwrap();
    let phones: Vec<&str> = PHONES.lines().filter(|line| !line.starts_with('#')).collect();
    let mut people = Vec::new();
    for (number, phone) in phones.iter().enumerate() {
        let android = 8 + number % 7;
        for app in ANDROID {
            people.push(format!("Mozilla/5.0 (Linux; Android {android}; {phone}; wv) {WEB} {app}"));
        }
    }
    for system in ["15_8", "16_7_2", "17_4", "17_5_1", "18_0"] {
        for device in ["iPhone; CPU iPhone OS", "iPad; CPU OS"] {
            for app in APPLE {
                people.push(format!(
                    "Mozilla/5.0 ({device} {system} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) {app}"
                ));
            }
        }
    }
    let is_person = |agent: &&String| agents.class(agent.as_bytes()) == AgentClass::Person;
    let taken: Vec<&String> = people.iter().filter(|agent| !is_person(agent)).collect();
    println!("{} people, {} of them taken for programs", people.len(), taken.len());
    assert!(people.len() > 3_000, "{}", people.len());
    assert!(taken.len() * 1_000 < people.len(), "{} of {}: {taken:#?}", taken.len(), people.len());
}
