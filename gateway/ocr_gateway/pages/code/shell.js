// What all pages share: the language, and its switch in the header.
import { byId } from './dom.js';
import { language, preferred, say, switchTo, use } from './words.js';

const OTHER = { en: 'zh', zh: 'en' };
const NAMES = { en: 'English', zh: '中文' };

export async function openPage(titleKey) {
  await use(preferred());
  const button = byId('language');
  const show = () => {
    const other = OTHER[language];
    button.textContent = NAMES[other];
    button.lang = other === 'zh' ? 'zh-CN' : other;
  };
  button.addEventListener('click', async () => {
    await switchTo(OTHER[language]);
    show();
  });
  show();
  say(document.querySelector('title'), titleKey);
  document.documentElement.dataset.ready = '';
  performance.mark('ready');
}
