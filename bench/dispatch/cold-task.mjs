export const noop = () => 0;
export default noop;
